//! Contention: many concurrent senders in one conversation.

use std::collections::BTreeSet;
use std::time::Duration;

use end_to_end::faults::Kind;
use end_to_end::{Cloud, Socket, TestUser};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{PLAN, message, pair, said, says_later};

const SENDERS: usize = 40;

const MESSAGES: usize = 3;

/// Sends until it is accepted, as a client has to; its place.
async fn insist(socket: &mut Socket, message: &Value) -> u64 {
    loop {
        let answer = socket.ask(message.clone()).await;
        if answer["type"] == "sent" {
            return answer["seq"].as_u64().unwrap();
        }
        assert!(says_later(&answer["error"]), "{answer}");
        let after = answer["error"]["retry_after_ms"].as_u64().unwrap();
        tokio::time::sleep(Duration::from_millis(rand::random_range(after..2 * after))).await;
    }
}

#[tokio::test]
async fn messages_of_40_concurrent_senders_are_each_logged_once() {
    let _plan = PLAN.read().await;
    let people = join_all((0..SENDERS).map(async |n| TestUser::new(&format!("sender{n}")).await)).await;
    let others: Vec<&String> = people[1..].iter().map(|person| &person.user_id).collect();
    let body = json!({"type": "group", "title": "Auction", "member_ids": others});
    let (status, group) = people[0].post("/v1/conversations", &body).await;
    assert_eq!(status, 201, "{group}");
    let id = group["conversation_id"].as_str().unwrap();
    let sends = people.iter().enumerate().map(async |(n, person)| {
        let mut socket = person.connect().await;
        let mut places = Vec::new();
        for m in 0..MESSAGES {
            // Without waiting for the messages of others.
            let bid = message(id, 1, &format!("{n}: {m}"));
            let place = insist(&mut socket, &bid).await;
            places.push((place, format!("{n}: {m}")));
            // Each resend is pushed to all of them again.
            if m == 0 && n % 8 == 0 {
                let again = insist(&mut socket, &bid).await;
                assert_eq!(again, place, "a resend has the place of the message");
            }
        }
        places
    });
    let mut told: Vec<(u64, String)> = join_all(sends).await.into_iter().flatten().collect();
    told.sort_unstable();
    let said = said(&people[0], id).await;
    assert_eq!(said, told, "the log has what its senders were told");
    let last = 1 + u64::try_from(SENDERS * MESSAGES).unwrap();
    assert!(said.iter().map(|(seq, _)| *seq).eq(2..=last), "no hole");
    assert_eq!(said.iter().map(|(_, text)| text).collect::<BTreeSet<_>>().len(), SENDERS * MESSAGES);
}

#[tokio::test]
async fn sender_without_a_free_seq_gets_busy() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let mut a = alice.connect().await;
    let cloud = Cloud::shared();
    cloud.inject_faults(1, &["WsSend", "HttpMessages"].map(|name| Kind::Conflict.rule().function(name))).await;
    let hi = message(&conversation, 1, "hi");
    let refused = a.ask(hi.clone()).await;
    let (status, problem) = bob.post(&format!("/v1/conversations/{conversation}/messages"), &draft(&hi)).await;
    cloud.clear_faults().await;
    assert!(says_later(&refused["error"]), "{refused}");
    assert!(status == 503 && says_later(&problem), "{problem}");
    assert_eq!(insist(&mut a, &hi).await, 2);
    assert_eq!(said(&bob, &conversation).await, [(2, "hi".to_owned())]);
}

/// The message as HTTP takes it.
fn draft(message: &Value) -> Value {
    json!({"client_message_id": message["client_message_id"], "after_seq": message["after_seq"], "text": message["text"]})
}
