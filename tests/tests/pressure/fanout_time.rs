//! The worker of the `fanout` queue with a clock, a queue and faults of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use end_to_end::faults::Kind;
use end_to_end::large_conversation::{create_group, users_without_tokens};
use end_to_end::{Cloud, Socket, TestUser, aws};
use fanout::Worker;
use futures_util::future::join_all;
use serde_json::{Value, json};
use store::sqs::FanoutBody;
use uuid::Uuid;

use crate::PLAN;

/// The name of the worker in fault plans.
const WORKER: &str = "worker";

/// The time that the worker reserves for handing over.
const RESERVED: Duration = Duration::from_secs(5);

/// A worker in this process, and the queue that it hands over to.
struct LocalWorker {
    worker: Worker,
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl LocalWorker {
    async fn new() -> Self {
        let cloud = Cloud::shared();
        let sqs = aws::sqs(cloud);
        let created = sqs.create_queue().queue_name(format!("rest-{}", Uuid::new_v4())).send().await.unwrap();
        let url = created.queue_url.unwrap();
        let dynamodb = aws::dynamodb_as(cloud, WORKER);
        let worker = Worker {
            log: aws::log(&dynamodb),
            notifier: aws::notifier_as(cloud, WORKER, &dynamodb, url.clone()),
            posts_per_second: 100,
        };
        Self { worker, sqs, url }
    }

    /// Handles these queue messages within a time; returns the ids of those to be retried.
    async fn work(&self, bodies: &[(&str, String)], time: Duration) -> Vec<String> {
        let record = |(id, body): &(&str, String)| json!({"messageId": id, "body": body, "attributes": {}, "messageAttributes": {}});
        let event = json!({"Records": bodies.iter().map(record).collect::<Vec<_>>()});
        let deadline = Timestamp::now().plus(RESERVED + time);
        self.worker.handle(serde_json::from_value(event).unwrap(), deadline).await
    }

    /// Returns the work that was handed over.
    async fn handed_over(&self) -> Vec<FanoutBody> {
        let mut rest = Vec::new();
        loop {
            let received = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(10).send().await;
            let messages = received.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return rest;
            }
            rest.extend(messages.iter().map(|message| serde_json::from_str(message.body().unwrap()).unwrap()));
        }
    }
}

fn body(conversation: &str, seq: u64) -> String {
    json!({"conversation_id": conversation, "seqs": [seq]}).to_string()
}

/// Like [`body`], for work that was handed over.
fn body_of_round(conversation: &str, seq: u64, round: u32) -> String {
    json!({"conversation_id": conversation, "seqs": [seq], "round": round}).to_string()
}

/// Returns the ids of a user's connections.
async fn connections(person: &TestUser) -> Vec<String> {
    let found = aws::dynamodb(&Cloud::shared().endpoints.aws.dynamodb)
        .get_item()
        .table_name("local-ConnectionsTable")
        .key("user_id", AttributeValue::S(person.user_id.clone()))
        .send()
        .await
        .unwrap();
    found.item.unwrap().keys().filter_map(|name| name.strip_prefix("c#")).map(str::to_owned).collect()
}

/// Returns true if the first item of the group was pushed before now; later items are pushed by others.
async fn received_first_item(socket: &mut Socket) -> bool {
    let frames = socket.pushed().await;
    frames.iter().filter_map(|frame| frame["messages"].as_array()).flatten().any(|message| message["seq"] == 1)
}

#[tokio::test]
async fn worker_hands_over_unfinished_pages() {
    let _plan = PLAN.write().await;
    let worker = LocalWorker::new().await;
    let alice = TestUser::new("alice").await;
    let mut recipients = join_all((0..8).map(async |n| TestUser::new(&format!("recipient{n}")).await)).await;
    recipients.sort_unstable_by(|one, other| one.user_id.cmp(&other.user_id));
    let mut sockets = join_all(recipients.iter().map(TestUser::connect)).await;
    // An initial member sees the first item.
    let mut members: Vec<String> = recipients.iter().map(|person| person.user_id.clone()).collect();
    members.extend(users_without_tokens(Cloud::shared(), 200).await);
    let conversation = create_group(&alice, &members).await;
    members.push(alice.user_id.clone());
    members.sort_unstable();
    for socket in &mut sockets {
        socket.pushed().await;
    }

    // Without time everything is handed over.
    assert_eq!(worker.work(&[("a", body(&conversation, 1))], Duration::ZERO).await, [] as [String; 0]);
    let rest = worker.handed_over().await;
    let rest: Vec<Value> = rest.iter().map(|body| serde_json::to_value(body).unwrap()).collect();
    assert_eq!(rest, [serde_json::from_str::<Value>(&body_of_round(&conversation, 1, 1)).unwrap()]);
    // A round counts for the whole batch. After the last one the queue messages wait in their queue.
    let batch = [("a", body(&conversation, 1)), ("b", body_of_round(&conversation, 1, 12))];
    assert_eq!(worker.work(&batch, Duration::ZERO).await, ["a", "b"]);
    assert!(worker.handed_over().await.is_empty());

    // The last post takes forever: members on earlier pages are notified, and the page is handed over whole.
    let slow = connections(recipients.last().unwrap()).await;
    let page = members.iter().position(|id| *id == recipients.last().unwrap().user_id).unwrap() / 100;
    let cloud = Cloud::shared();
    cloud.inject_faults(1, &[Kind::Delay(60_000, 60_000).rule().resource(&slow[0]).function(WORKER)]).await;
    let failed = worker.work(&[("a", body(&conversation, 1))], Duration::from_secs(3)).await;
    cloud.clear_faults().await;
    assert_eq!(failed, [] as [String; 0]);
    let rest = worker.handed_over().await;
    assert_eq!(rest.len(), 1);
    let begins_after = rest[0].shard.after_user.map(|user| user.to_string());
    assert_eq!(begins_after.as_ref(), (page > 0).then(|| &members[100 * page - 1]), "the start of the page");
    let (slow_one, others) = sockets.split_last_mut().unwrap();
    for socket in &mut *others {
        assert!(received_first_item(socket).await);
    }
    assert!(!received_first_item(slow_one).await);

    // The next worker has to notify that page alone.
    let rest = serde_json::to_string(&rest[0]).unwrap();
    assert_eq!(worker.work(&[("b", rest)], Duration::from_secs(30)).await, [] as [String; 0]);
    assert!(worker.handed_over().await.is_empty());
    assert!(received_first_item(slow_one).await);
    for (person, socket) in recipients.iter().zip(&mut *others) {
        let on_that_page = begins_after.as_ref().is_none_or(|after| person.user_id > *after);
        assert_eq!(received_first_item(socket).await, on_that_page, "only the members of that page are notified again");
    }
}

#[tokio::test]
async fn only_failed_queue_messages_are_retried() {
    let _plan = PLAN.write().await;
    let worker = LocalWorker::new().await;
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let mut conversations = Vec::new();
    for _ in 0..2 {
        conversations.push(create_group(&alice, std::slice::from_ref(&bob.user_id)).await);
    }
    // The worker goes by their ids.
    conversations.sort_unstable();
    let mut socket = bob.connect().await;
    socket.pushed().await;
    let cloud = Cloud::shared();
    // As often as the SDK tries.
    cloud.inject_faults(1, &[Kind::Throttle.rule().operation("Query").function(WORKER).next(3)]).await;
    let bodies = [
        ("second", body(&conversations[1], 1)),
        ("first", body(&conversations[0], 1)),
        ("first too", body(&conversations[0], 1)),
        ("poison", "nonsense".to_owned()),
    ];
    let failed = worker.work(&bodies, Duration::from_secs(30)).await;
    cloud.clear_faults().await;
    assert_eq!(failed.into_iter().collect::<BTreeSet<_>>(), ["first", "first too", "poison"].map(str::to_owned).into());
    let conversations_of = |frames: Vec<Value>| -> Vec<Value> {
        frames.iter().map(|frame| frame["messages"][0]["conversation_id"].clone()).collect()
    };
    assert_eq!(conversations_of(socket.pushed().await), [json!(conversations[1])]);
    assert_eq!(worker.work(&bodies[1..3], Duration::from_secs(30)).await, [] as [String; 0]);
    assert_eq!(conversations_of(socket.pushed().await), [json!(conversations[0])], "both in one frame");
}
