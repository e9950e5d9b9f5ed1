//! Conversations with more members than are notified inline.

use std::collections::BTreeMap;

use domain::{MemberRange, Seq};
use end_to_end::large_conversation::{create_group, users_without_tokens};
use end_to_end::{Cloud, Socket, TestUser, aws};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use store::sqs::{FanoutBody, Queue};
use uuid::Uuid;

/// Members who are connected.
const CONNECTED: usize = 300;

/// The largest group: more than one worker notifies.
const MEMBERS: usize = 1_000;

/// Number of users that are created at the same time.
const CONCURRENCY: usize = 16;

/// A member, their connection, and the items that it received first, by seq.
struct Recipient {
    person: TestUser,
    socket: Socket,
    received: BTreeMap<u64, Value>,
    /// Places in the order in which frames with several messages held them.
    frames: Vec<Vec<u64>>,
}

impl Recipient {
    async fn new(name: usize) -> Self {
        let person = TestUser::new(&format!("recipient{name}")).await;
        let socket = person.connect().await;
        Self { person, socket, received: BTreeMap::new(), frames: Vec::new() }
    }

    /// Receives frames until every item between these seqs has arrived.
    async fn receive_until(&mut self, conversation: &str, first: u64, last: u64) {
        while !(first..=last).all(|seq| self.received.contains_key(&seq)) {
            let frame = self.socket.next("messages").await;
            let messages = frame["messages"].as_array().unwrap();
            self.frames.push(messages.iter().map(|message| message["seq"].as_u64().unwrap()).collect());
            for message in messages {
                assert_eq!(message["conversation_id"], conversation);
                self.received.entry(message["seq"].as_u64().unwrap()).or_insert_with(|| message.clone());
            }
        }
    }

    /// The log from `first` on, as they see it.
    async fn log(&self, conversation: &str, first: u64) -> Vec<Value> {
        let (mut all, mut cursor) = (Vec::new(), first - 1);
        loop {
            let (status, synced) = self.person.post("/v1/sync", &json!({"cursors": {conversation: cursor}})).await;
            assert_eq!(status, 200, "{synced}");
            let synced = &synced["conversations"][0];
            all.extend(synced["messages"].as_array().unwrap().iter().cloned());
            cursor = all.last().map_or(cursor, |message| message["seq"].as_u64().unwrap());
            if synced["more"] == false {
                return all;
            }
        }
    }
}

/// Sends a text; returns its seq.
async fn send_text(socket: &mut Socket, conversation: &str, text: &str) -> u64 {
    let frame = json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(),
        "text": text});
    let answer = socket.ask(frame).await;
    answer["seq"].as_u64().unwrap_or_else(|| panic!("{answer}"))
}

#[tokio::test]
async fn all_members_of_a_large_group_receive_every_item_as_logged() {
    let alice = TestUser::new("alice").await;
    let (mut recipients, unconnected) = tokio::join!(
        stream::iter(0..CONNECTED).map(Recipient::new).buffer_unordered(CONCURRENCY).collect::<Vec<_>>(),
        users_without_tokens(Cloud::shared(), MEMBERS - CONNECTED - 1)
    );
    let late = recipients.pop().unwrap();
    let connected = recipients.iter().map(|recipient| recipient.person.user_id.clone());
    let members: Vec<String> = unconnected.into_iter().chain(connected).collect();
    let conversation = create_group(&alice, &members).await;
    let path = format!("/v1/conversations/{conversation}");

    // Texts of two, over both ways in, and what happens to one of them.
    let mut socket = alice.connect().await;
    let first = send_text(&mut socket, &conversation, "hear").await;
    let (status, sent) = {
        let draft = json!({"client_message_id": Uuid::new_v4(), "text": "ye"});
        recipients[0].person.post(&format!("{path}/messages"), &draft).await
    };
    assert_eq!((status, &sent["seq"]), (201, &json!(first + 1)));
    assert_eq!(alice.patch(&format!("{path}/messages/{first}"), &json!({"text": "Hear"})).await.0, 200);
    // A member who joined after the message is notified of the edit without its text.
    let added = json!({"user_ids": [late.person.user_id]});
    assert_eq!(alice.post(&format!("{path}/members"), &added).await.0, 204);
    recipients.push(late);
    assert_eq!(alice.patch(&format!("{path}/messages/{first}"), &json!({"text": "Hear!"})).await.0, 200);
    assert_eq!(alice.patch(&path, &json!({"topic": "Hearing"})).await.0, 200);
    let last = send_text(&mut socket, &conversation, "the end").await;
    assert_eq!(last, first + 6);

    let late = recipients.len() - 1;
    // All receive the same, except a sender and late members.
    let common = recipients[1].log(&conversation, first).await;
    let checks = recipients.iter_mut().enumerate().map(async |(n, recipient)| {
        let from = if n == late { first + 3 } else { first };
        recipient.receive_until(&conversation, from, last).await;
        assert!(recipient.frames.iter().all(|seqs| seqs.is_sorted()), "{:?}", recipient.frames);
        let own = n == 0 || n == late;
        let log = if own { recipient.log(&conversation, from).await } else { common.clone() };
        assert_eq!(log.len() as u64, last - from + 1);
        for item in log {
            let received = &recipient.received[&item["seq"].as_u64().unwrap()];
            let amended = item["seq"] == first || item["kind"] == "message_edited";
            // An edited message may have been pushed before the edit.
            let matches =
                if amended && n != late { received["message_id"] == item["message_id"] } else { *received == item };
            assert!(matches, "pushed {received}, logged {item}");
        }
        assert!(
            recipient.received.keys().all(|seq| *seq >= from || n != late),
            "no items from before the late member joined"
        );
    });
    join_all(checks).await;
    let edit = &recipients[late].received[&(first + 4)];
    assert_eq!((&edit["kind"], &edit["text"]), (&json!("message_edited"), &Value::Null));
    assert_eq!(recipients[0].received[&(first + 4)]["text"], "Hear!");
    let client_message_id = &recipients[0].received[&(first + 1)]["client_message_id"];
    assert!(client_message_id.is_string() && recipients[1].received[&(first + 1)]["client_message_id"].is_null());
    check_shard_bounds(recipients, &conversation, last).await;
}

/// A worker queues the rest like this when its time is over.
async fn check_shard_bounds(mut recipients: Vec<Recipient>, conversation: &str, last: u64) {
    recipients.sort_unstable_by(|one, other| one.person.user_id.cmp(&other.person.user_id));
    let user = |n: usize| Some(recipients[n].person.user_id.parse().unwrap());
    let (first, end) = (CONNECTED / 3, CONNECTED * 2 / 3);
    let shard = MemberRange { after_user: user(first), last_user: user(end) };
    let body = FanoutBody { conversation_id: conversation.parse().unwrap(), seqs: vec![Seq(last)], round: 0, shard };
    for recipient in &mut recipients {
        recipient.socket.pushed().await;
    }
    let cloud = Cloud::shared();
    Queue::new(aws::sqs(cloud), aws::fanout_queue_url(cloud)).send_fanout(&[body]).await.unwrap();
    for recipient in &mut recipients[first + 1..=end] {
        assert_eq!(recipient.socket.next("messages").await["messages"][0]["seq"], last);
    }
    for (n, recipient) in recipients.iter_mut().enumerate() {
        assert_eq!(recipient.socket.pushed().await, [] as [Value; 0], "{n}");
    }
}
