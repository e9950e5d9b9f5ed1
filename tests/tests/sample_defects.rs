//! Defects of chat samples, one test each. The spoofing of sender and time is tested in `chat/hostile.rs`.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::message::Edit;
use domain::{Content, ConversationId, MessageId, MessageKind, Seq, Timestamp};
use end_to_end::aws::{MESSAGES, dynamodb, log};
use end_to_end::faults::Kind;
use end_to_end::{Cloud, TestUser};
use serde_json::{Value, json};
use store::dynamodb::messages::{LogItem, PutOutcome};
use tokio::sync::RwLock;
use uuid::Uuid;

/// Locked exclusively by a test with a fault plan, since faults affect every test.
static PLAN: RwLock<()> = RwLock::const_new(());

fn draft(text: &str) -> Value {
    json!({"client_message_id": Uuid::new_v4(), "text": text})
}

async fn pair() -> (TestUser, TestUser, String) {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    (alice, bob, conversation)
}

/// Messages keyed by time overwrite one another.
#[tokio::test]
async fn concurrent_messages_are_all_stored() {
    let _plan = PLAN.read().await;
    let (alice, bob, conversation) = pair().await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let drafts: Vec<Value> = (0..12).map(|n| draft(&n.to_string())).collect();
    let sends = drafts.iter().enumerate().map(|(n, draft)| {
        let sender = if n % 2 == 0 { &alice } else { &bob };
        let path = &path;
        async move {
            loop {
                let (status, sent) = sender.post(path, draft).await;
                // Beyond the capacity of one conversation a client gets `busy`.
                if status != 503 {
                    assert!(status == 201 || status == 200, "{sent}");
                    return sent["seq"].as_u64().unwrap();
                }
            }
        }
    });
    let seqs: BTreeSet<u64> = futures_util::future::join_all(sends).await.into_iter().collect();
    assert_eq!(seqs, (2..=13).collect());
    let (_, page) = bob.get(&format!("{path}?after_seq=1")).await;
    let messages = page["messages"].as_array().unwrap();
    assert_eq!(
        messages.iter().map(|message| &message["text"]).map(Value::to_string).collect::<BTreeSet<_>>().len(),
        12
    );
    let times: Vec<&str> = messages.iter().map(|message| message["sent_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

/// A table of connections that is scanned for each message.
#[tokio::test]
async fn no_table_is_scanned() {
    let _plan = PLAN.read().await;
    let (alice, bob, conversation) = pair().await;
    let path = format!("/v1/conversations/{conversation}/messages");
    let mut socket = bob.connect().await;
    alice.post(&path, &draft("hi")).await;
    socket.next("message").await;
    let receipt = json!({"conversation_id": conversation, "seq": 2});
    socket.ask(json!({"action": "read", "receipts": [receipt]})).await;
    socket.ask(json!({"action": "sync"})).await;
    alice.patch(&format!("{path}/2"), &json!({"text": "ho"})).await;
    socket.next("message_edited").await;
    for read in ["/v1/conversations", "/v1/users/me", path.as_str(), &format!("{path}/2/status")] {
        assert_eq!(alice.get(read).await.0, 200, "{read}");
    }
    let group = json!({"type": "group", "title": "All", "member_ids": [bob.user_id]});
    assert_eq!(alice.post("/v1/conversations", &group).await.0, 201);

    let reading = Cloud::shared().meter().await;
    let functions = reading["functions"].as_object().unwrap();
    let operations: BTreeSet<(&str, &str)> = functions
        .iter()
        .filter_map(|(name, function)| Some((name, function["requests"]["dynamodb"].as_object()?)))
        .flat_map(|(name, operations)| operations.keys().map(move |operation| (name.as_str(), operation.as_str())))
        .collect();
    assert!(operations.contains(&("HttpMessages", "Query")), "the meter is empty: {operations:?}");
    assert!(operations.iter().all(|(_, operation)| *operation != "Scan"), "{operations:?}");
}

/// A 410 that has the sender's connection deleted, or all of a user's.
#[tokio::test]
async fn gone_response_deletes_only_that_connection() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let cloud = Cloud::shared();
    let dynamodb = dynamodb(&cloud.endpoints.aws.dynamodb);
    let connections = async |user: &TestUser| -> BTreeSet<String> {
        let key = AttributeValue::S(user.user_id.clone());
        let get = dynamodb.get_item().table_name("local-ConnectionsTable").key("user_id", key).consistent_read(true);
        let item = get.send().await.unwrap().item.unwrap_or_default();
        item.into_keys().filter(|name| name.starts_with("c#")).collect()
    };
    let mut lost = bob.connect().await;
    let gone_connection = connections(&bob).await.pop_first().unwrap();
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let (of_alice, mut of_bob) = (connections(&alice).await, connections(&bob).await);
    assert_eq!((of_alice.len(), of_bob.len()), (1, 2));
    // One that is younger than half a minute may only not be up yet: none of them is.
    let old = Timestamp::now().epoch_millis() - 60_000;
    for (user, names) in [(&alice, &of_alice), (&bob, &of_bob)] {
        for name in names {
            dynamodb
                .update_item()
                .table_name("local-ConnectionsTable")
                .key("user_id", AttributeValue::S(user.user_id.clone()))
                .update_expression("SET #connection.connected_at = :old")
                .expression_attribute_names("#connection", name)
                .expression_attribute_values(":old", AttributeValue::N(old.to_string()))
                .send()
                .await
                .unwrap();
        }
    }
    cloud.inject_faults(1, &[Kind::Gone.rule().resource(gone_connection.trim_start_matches("c#"))]).await;
    let frame = json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(),
                       "after_seq": 1, "text": "who is there?"});
    assert_eq!(a.ask(frame).await["type"], "sent");
    cloud.clear_faults().await;
    assert_eq!(b.next("message").await["message"]["text"], "who is there?");
    assert_eq!(lost.pushed().await, [] as [Value; 0]);
    of_bob.remove(&gone_connection);
    assert_eq!((connections(&alice).await, connections(&bob).await), (of_alice, of_bob));
}

/// One page of a query read as if it were all.
#[tokio::test]
async fn history_beyond_one_megabyte_is_complete_and_for_members_only() {
    let _plan = PLAN.read().await;
    let (alice, bob, conversation) = pair().await;
    let log = log(&dynamodb(&Cloud::shared().endpoints.aws.dynamodb));
    let id: ConversationId = conversation.parse().unwrap();
    let text = "x".repeat(8000);
    let mut head = log.messages.head(id, true).await.unwrap().unwrap();
    for _ in 0..60 {
        let (seq, sent_at) = (head.seq.next(), head.sent_at.next());
        let edit = Edit { seq, edited_at: sent_at, text: text.clone(), mentions: Vec::new(), custom: None };
        head = LogItem {
            seq,
            sent_at,
            message_id: MessageId::generate(sent_at),
            attempt: Uuid::new_v4(),
            // Each has 24 KB.
            edits: vec![edit; 2],
            kind: MessageKind::Text(Content::new(text.clone(), None, Vec::new()).unwrap()),
            ..head
        };
        assert!(matches!(log.messages.put(&head).await.unwrap(), PutOutcome::Written));
    }
    assert_eq!(head.seq, Seq(61));
    let path = format!("/v1/conversations/{conversation}/messages?limit=100");
    for user in [&alice, &bob] {
        let (status, page) = user.get(&path).await;
        let seqs: Vec<u64> =
            page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect();
        assert_eq!((status, &page["more"], seqs), (200, &json!(false), (1..=61).collect()));
    }
    let mallory = TestUser::new("mallory").await;
    assert_eq!(mallory.get(&path).await.0, 404);
}

/// Batches whose unprocessed entries are dropped.
#[tokio::test]
async fn unprocessed_batch_entries_are_requested_again() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let (mut a, mut b) = tokio::join!(alice.connect(), bob.connect());
    let cloud = Cloud::shared();
    // Three times the last of both connections, in either order.
    cloud.inject_faults(1, &[Kind::Unprocessed.rule().operation("BatchGetItem").function("WsSend").next(3)]).await;
    for (sender, after_seq) in [(&mut a, 1), (&mut b, 2)] {
        let frame = json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(),
                           "after_seq": after_seq, "text": "to all"});
        assert_eq!(sender.ask(frame).await["type"], "sent");
    }
    cloud.clear_faults().await;
    assert_eq!(b.next("message").await["message"]["seq"], 2);
    assert_eq!(a.next("message").await["message"]["seq"], 3);
}

/// Internals of an error, sent to the client that provoked it.
#[tokio::test]
async fn internal_errors_reveal_no_internals() {
    let _plan = PLAN.write().await;
    let (alice, bob, conversation) = pair().await;
    let cloud = Cloud::shared();
    let path = format!("/v1/conversations/{conversation}/messages");
    let mut a = alice.connect().await;
    let frame = json!({"action": "send", "conversation_id": conversation, "client_message_id": Uuid::new_v4(),
                       "after_seq": 1, "text": "hi"});
    let faults = ["WsSend", "HttpMessages"].map(|name| Kind::ResponseError.rule().function(name).operation("Query"));
    cloud.inject_faults(1, &faults).await;
    let busy = [alice.get(&path).await.1, a.ask(frame.clone()).await["error"].clone()];
    cloud.clear_faults().await;

    // An item that nothing of ours has written.
    let key = |seq: &str| {
        [("conversation_id", AttributeValue::S(conversation.clone())), ("seq", AttributeValue::N(seq.to_owned()))]
    };
    let mut put = dynamodb(&cloud.endpoints.aws.dynamodb).put_item().table_name(MESSAGES);
    for (name, value) in key("2") {
        put = put.item(name, value);
    }
    put.item("secret_attribute", AttributeValue::S("secret value".to_owned())).send().await.unwrap();
    let internal = [bob.get(&path).await.1, a.ask(frame).await["error"].clone()];
    for (code, problems) in [("busy", busy), ("internal", internal)] {
        for problem in problems {
            assert_eq!(problem["code"], code, "{problem}");
            let text = problem.to_string();
            for inside in ["Error", "DynamoDB", "secret", "missing field", "SdkError", "Query", "{ ", "local-"] {
                assert!(!text.contains(inside), "{inside:?} in {text}");
            }
        }
    }
}
