//! Contention: many concurrent senders in one conversation.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use end_to_end::faults::Kind;
use end_to_end::{Cloud, Socket, TestUser};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{PLAN, is_busy, message, pair, texts};

const SENDERS: usize = 40;

const MESSAGES: usize = 3;

/// Sends a message until it is accepted, as a client does; returns its seq.
async fn send_until_accepted(socket: &mut Socket, message: &Value) -> u64 {
    loop {
        let answer = socket.ask(message.clone()).await;
        if answer["type"] == "sent" {
            return answer["seq"].as_u64().unwrap();
        }
        assert!(is_busy(&answer["error"]), "{answer}");
        let after = answer["error"]["retry_after_ms"].as_u64().unwrap();
        tokio::time::sleep(Duration::from_millis(rand::random_range(after..2 * after))).await;
    }
}

#[tokio::test]
async fn messages_of_40_concurrent_senders_are_each_logged_once() {
    let _plan = PLAN.read().await;
    let users = join_all((0..SENDERS).map(async |n| TestUser::new(&format!("sender{n}")).await)).await;
    let others: Vec<&String> = users[1..].iter().map(|user| &user.user_id).collect();
    let body = json!({"type": "group", "title": "Auction", "member_ids": others});
    let (status, group) = users[0].post("/v1/conversations", &body).await;
    assert_eq!(status, 201, "{group}");
    let id = group["conversation_id"].as_str().unwrap();
    let sends = users.iter().enumerate().map(async |(n, user)| {
        let mut socket = user.connect().await;
        let mut sent_texts = Vec::new();
        for m in 0..MESSAGES {
            // Without waiting for the messages of others.
            let bid = message(id, 1, &format!("{n}: {m}"));
            let seq = send_until_accepted(&mut socket, &bid).await;
            sent_texts.push((seq, format!("{n}: {m}")));
            // Each resend is pushed to all of them again.
            if m == 0 && n % 8 == 0 {
                let again = send_until_accepted(&mut socket, &bid).await;
                assert_eq!(again, seq, "a resend has the seq of the message");
            }
        }
        sent_texts
    });
    let mut accepted: Vec<(u64, String)> = join_all(sends).await.into_iter().flatten().collect();
    accepted.sort_unstable();
    let logged = texts(&users[0], id).await;
    assert_eq!(logged, accepted, "the log agrees with the answers");
    let last = 1 + u64::try_from(SENDERS * MESSAGES).unwrap();
    assert!(logged.iter().map(|(seq, _)| *seq).eq(2..=last), "the seqs are consecutive");
    assert_eq!(logged.iter().map(|(_, text)| text).collect::<BTreeSet<_>>().len(), SENDERS * MESSAGES);
}

/// A hundred functions start, and contend for the same seqs.
#[tokio::test]
async fn sends_of_one_user_at_once_are_all_answered_in_time() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let messages = format!("/v1/conversations/{conversation}/messages");
    let sends = (0..120).map(async |n: u32| {
        let begun = Instant::now();
        let (status, answer) = alice.post(&messages, &draft(&message(&conversation, 1, &n.to_string()))).await;
        (status, answer, begun.elapsed())
    });
    let mut accepted = 0;
    for (status, answer, time) in join_all(sends).await {
        // Ten seconds, and some for the test, which shares the machine with a hundred starting processes.
        assert!(time <= Duration::from_secs(15), "{time:?}: {status} {answer}");
        assert!(status == 201 || (status == 503 && is_busy(&answer)), "{status} {answer}");
        accepted += usize::from(status == 201);
    }
    assert!(texts(&bob, &conversation).await.len() >= accepted, "what was accepted is in the log");
    // Each round of seqs has a winner. Their number within the time depends on the machine.
    assert!(accepted > 0, "nobody was accepted");
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
    assert!(is_busy(&refused["error"]), "{refused}");
    assert!(status == 503 && is_busy(&problem), "{problem}");
    assert_eq!(send_until_accepted(&mut a, &hi).await, 2);
    assert_eq!(texts(&bob, &conversation).await, [(2, "hi".to_owned())]);
}

/// The message as HTTP takes it.
fn draft(message: &Value) -> Value {
    json!({"client_message_id": message["client_message_id"], "after_seq": message["after_seq"], "text": message["text"]})
}
