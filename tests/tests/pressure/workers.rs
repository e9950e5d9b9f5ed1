//! The queues' workers: a message that arrives twice counts once, and an unreadable one ends in the dead-letter queue.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use chat::notify::UserNotifier;
use chat::receipts::Receipts;
use domain::Timestamp;
use domain::membership::Action;
use end_to_end::faults::Kind;
use end_to_end::{Cloud, StoredState, TestUser, aws};
use receipts::{Batch, Worker};
use serde_json::{Value, json};
use store::dynamodb::{Connections, Watermarks};
use store::sql::Conversations;
use store::sqs::Queue;

use crate::{PLAN, message, pair};

const TABLES: [&str; 2] = ["local-DeliveryStatusTable", "local-ReadStatusTable"];

/// The name of this process's worker in fault plans.
const WORKER: &str = "worker";

/// Makes messages visible again soon, so that five attempts do not take a quarter of an hour.
async fn shorten_visibility_timeout(url: &str) {
    let seconds = (QueueAttributeName::VisibilityTimeout, "2");
    let sqs = aws::sqs(Cloud::shared());
    sqs.set_queue_attributes().queue_url(url).attributes(seconds.0, seconds.1).send().await.unwrap();
}

/// Puts these on a queue at once.
async fn queue(url: &str, bodies: &[String]) {
    let entry = |(n, body): (usize, &String)| {
        SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(body).build().unwrap()
    };
    let entries = bodies.iter().enumerate().map(entry).collect();
    let sent = aws::sqs(Cloud::shared()).send_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
    assert!(sent.unwrap().failed().is_empty());
}

/// Waits for a message in the dead-letter queue of a queue.
async fn dead_letter(url: &str) -> String {
    let (name, deadline) = (url.replace("Queue", "DeadLetterQueue"), Instant::now() + Duration::from_mins(2));
    loop {
        let received = aws::sqs(Cloud::shared()).receive_message().queue_url(&name).wait_time_seconds(5).send().await;
        if let Some(message) = received.unwrap().messages.unwrap_or_default().pop() {
            return message.body.unwrap();
        }
        assert!(Instant::now() < deadline, "the dead-letter queue stayed empty");
    }
}

/// Returns all stored receipts of a user in a conversation.
async fn stored_receipts(person: &TestUser, conversation: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for table in TABLES {
        for pk in [person.user_id.clone(), format!("{conversation}#{}", person.user_id)] {
            let dynamodb = aws::dynamodb(&Cloud::shared().endpoints.aws.dynamodb);
            let query = dynamodb.query().table_name(table).key_condition_expression("pk = :pk");
            let page = query.expression_attribute_values(":pk", AttributeValue::S(pk)).consistent_read(true).send();
            let items = page.await.unwrap().items.unwrap_or_default();
            let row = |item| serde_dynamo::from_item::<_, Value>(item).unwrap().to_string();
            rows.extend(items.into_iter().map(row).map(|row| format!("{table}: {row}")));
        }
    }
    rows
}

fn receipts_of(person: &TestUser, conversation: &str, receipts: &[(&str, u64)], at: Timestamp) -> String {
    let receipt = |(kind, seq): &(&str, u64)| json!({"kind": kind, "conversation_id": conversation, "user_id": person.user_id, "seq": seq, "at": at});
    json!({"receipts": receipts.iter().map(receipt).collect::<Vec<_>>()}).to_string()
}

#[tokio::test]
async fn repeated_receipts_count_once_beside_unreadable_messages() {
    let (alice, bob, conversation) = pair().await;
    let mut a = alice.connect().await;
    for after in 1..4 {
        assert_eq!(a.ask(message(&conversation, after, "hi")).await["seq"], after + 1);
    }
    let url = aws::receipts_queue_url(Cloud::shared());
    shorten_visibility_timeout(&url).await;
    let at = Timestamp::now();
    let first = receipts_of(&bob, &conversation, &[("delivered", 2), ("read", 2)], at);
    let second = receipts_of(&bob, &conversation, &[("delivered", 3), ("read", 3)], at.plus(Duration::from_secs(2)));
    queue(&url, &["poison for receipts".to_owned(), first.clone(), second.clone()]).await;
    let mut received = BTreeSet::new();
    while received.len() < 4 {
        for receipt in a.next("receipts").await["receipts"].as_array().unwrap() {
            received.insert((receipt["kind"].to_string(), receipt["seq"].as_u64().unwrap()));
        }
    }
    let before = stored_receipts(&bob, &conversation).await;
    assert_eq!(before.len(), 4, "two watermarks and two older receipts: {before:?}");

    queue(&url, &[second, first.clone(), first]).await;
    assert_eq!(dead_letter(&url).await, "poison for receipts");
    // By now the others have been looked at as often.
    let last = receipts_of(&bob, &conversation, &[("read", 4)], at.plus(Duration::from_secs(9)));
    queue(&url, &[last]).await;
    let next = a.next("receipts").await["receipts"].clone();
    assert_eq!(
        (next.as_array().unwrap().len(), &next[0]["seq"]),
        (1, &json!(4)),
        "no receipt is notified twice: {next}"
    );
    let after = stored_receipts(&bob, &conversation).await;
    let others =
        |rows: &[String]| -> Vec<String> { rows.iter().filter(|row| !row.contains("Read")).cloned().collect() };
    assert_eq!(others(&after), others(&before));
    assert_eq!(after.len(), 5, "{after:?}");
}

#[tokio::test]
async fn repeated_pushes_are_identical_beside_unreadable_messages() {
    let (alice, bob, conversation) = pair().await;
    let mut b = bob.connect().await;
    let draft = json!({"client_message_id": uuid::Uuid::new_v4(), "after_seq": 1, "text": "hi"});
    assert_eq!(alice.post(&format!("/v1/conversations/{conversation}/messages"), &draft).await.0, 201);
    let message = b.next("message").await["message"].clone();
    let url = aws::fanout_queue_url(Cloud::shared());
    shorten_visibility_timeout(&url).await;
    let notification = json!({"conversation_id": conversation, "seqs": [2]}).to_string();
    for _ in 0..2 {
        queue(&url, &["poison for fanout".to_owned(), notification.clone()]).await;
        assert_eq!(b.next("messages").await["messages"], json!([message]));
    }
    // A message about something that does not exist changes nothing, and is not retried.
    let missing = json!({"conversation_id": uuid::Uuid::new_v4(), "seqs": [2]}).to_string();
    queue(&url, &[missing, json!({"conversation_id": conversation, "seqs": [9]}).to_string()]).await;
    for _ in 0..2 {
        assert_eq!(dead_letter(&url).await, "poison for fanout");
    }
}

#[tokio::test]
async fn change_relayed_twice_is_applied_once_beside_unreadable_messages() {
    let cloud = Cloud::shared();
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let body = json!({"type": "group", "title": "Team", "member_ids": [bob.user_id]});
    let (_, group) = alice.post("/v1/conversations", &body).await;
    let id = group["conversation_id"].as_str().unwrap();
    let url = aws::relay_queue_url(cloud);
    shorten_visibility_timeout(&url).await;
    // Committed, and not relayed.
    let conversations = Conversations::new(aws::database(cloud), Queue::new(aws::sqs(cloud), url.clone()));
    let change = [Action::SetTitle("Crew".to_owned())];
    conversations.change(id.parse().unwrap(), alice.user_id.parse().unwrap(), &change).await.unwrap();
    let relay = json!({"conversation_id": id}).to_string();
    let user = json!({"user_id": bob.user_id}).to_string();
    queue(&url, &["poison for relay".to_owned(), relay.clone(), user, relay]).await;
    let after = StoredState::after_relay(cloud, id).await;
    assert_eq!(dead_letter(&url).await, "poison for relay");
    let later = StoredState::after_relay(cloud, id).await;
    assert_eq!(later.kinds(), ["created", "title_changed"]);
    assert_eq!(after.kinds(), later.kinds());
    later.check();
    assert_eq!(bob.get("/v1/users/me").await.0, 200, "users who are not deleted are kept");
}

/// One table is in trouble: the queue messages that need it are retried as a whole, and the others are not.
#[tokio::test]
async fn only_failed_receipts_are_retried() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let mut a = alice.connect().await;
    assert_eq!(a.ask(message(&conversation, 1, "hi")).await["seq"], 2);
    let cloud = Cloud::shared();
    let dynamodb = aws::dynamodb_as(cloud, WORKER);
    let [delivered, read] = TABLES.map(str::to_owned);
    let worker = Worker {
        receipts: Receipts { log: aws::log(&dynamodb), watermarks: Watermarks::new(dynamodb.clone(), delivered, read) },
        notifier: UserNotifier::new(
            Connections::new(dynamodb, aws::CONNECTIONS.to_owned()),
            aws::connections_api_as(cloud, WORKER),
        ),
    };
    let at = Timestamp::now();
    let bodies = [
        ("delivered", receipts_of(&bob, &conversation, &[("delivered", 2)], at)),
        ("read", receipts_of(&bob, &conversation, &[("read", 2)], at)),
        ("both", receipts_of(&alice, &conversation, &[("delivered", 1), ("read", 1)], at)),
    ];
    let record =
        |(id, body): &(&str, String)| json!({"messageId": id, "body": body, "attributes": {}, "messageAttributes": {}});
    let event = json!({"Records": bodies.iter().map(record).collect::<Vec<_>>()});
    let work = async || {
        let event: SqsEvent = serde_json::from_value(event.clone()).unwrap();
        worker.handle(Batch::from(event), Timestamp::now().plus(Duration::from_secs(30))).await
    };
    cloud.inject_faults(1, &[Kind::Throttle.rule().resource(TABLES[0]).function(WORKER)]).await;
    let failed = work().await;
    cloud.clear_faults().await;
    assert_eq!(failed, ["both", "delivered"]);
    let received = a.next("receipts").await["receipts"].clone();
    assert_eq!((received.as_array().unwrap().len(), &received[0]["kind"]), (1, &json!("read")), "{received}");
    assert_eq!(work().await, [] as [String; 0]);
    let received = a.next("receipts").await["receipts"].clone();
    assert_eq!((received.as_array().unwrap().len(), &received[0]["kind"]), (1, &json!("delivered")), "{received}");
    assert_eq!(
        (stored_receipts(&bob, &conversation).await.len(), stored_receipts(&alice, &conversation).await.len()),
        (2, 2)
    );
}
