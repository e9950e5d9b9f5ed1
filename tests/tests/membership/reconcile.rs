//! Stores of different moments, as a restore leaves them: what is found, what is mended, and that the chat works afterwards.

use aws_sdk_dynamodb::types::AttributeValue;
use chat::log::{Draft, SendError};
use chat::reconcile::FindingKind;
use domain::{ClientMessageId, Content};
use end_to_end::aws::{self, MEMBERS, MESSAGES};
use end_to_end::lambda::{self, Invoked};
use end_to_end::{Cloud, StoredState, TestUser};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx_data_api::query;
use uuid::Uuid;

use crate::group::{Group, outcome};

type Item = std::collections::HashMap<String, AttributeValue>;

fn dynamodb() -> aws_sdk_dynamodb::Client {
    aws::dynamodb(&Cloud::shared().endpoints.aws.dynamodb)
}

/// An answer of the function.
#[derive(Debug, Deserialize)]
struct Answer {
    compared: usize,
    findings: Vec<Finding>,
    failed: Vec<Value>,
    cursor: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Finding {
    kind: FindingKind,
}

/// Invokes the function as an operator does.
async fn page(cursor: Option<Value>, limit: usize, mend: bool) -> Answer {
    let event = json!({"cursor": cursor, "limit": limit, "mend": mend, "logs": true});
    let Invoked { function_error, result } = lambda::invoke(Cloud::shared(), "Reconcile", event.to_string()).await;
    assert_eq!(function_error, None, "{result}");
    serde_json::from_value(result).unwrap()
}

/// Compares one conversation, user or file.
async fn compare_one(part: &str, id: &str, mend: bool) -> Vec<FindingKind> {
    let before = Uuid::from_u128(id.parse::<Uuid>().unwrap().as_u128() - 1);
    let answer = page(Some(json!({"part": part, "after": before})), 1, mend).await;
    assert!(answer.compared == 1 && answer.failed.is_empty(), "{answer:?}");
    answer.findings.iter().map(|finding| finding.kind).collect()
}

async fn compare(id: &str, mend: bool) -> Vec<FindingKind> {
    compare_one("conversations", id, mend).await
}

/// Finds these contradictions, mends them, and finds none afterwards.
async fn mends(id: &str, expected: &[FindingKind]) {
    assert_eq!(compare(id, false).await, expected);
    assert_eq!(compare(id, true).await, expected);
    assert_eq!(compare(id, false).await, []);
    // Safe to repeat.
    assert_eq!(compare(id, true).await, []);
}

/// All items of a conversation in a table.
async fn items(table: &str, id: &str) -> Vec<Item> {
    let page = dynamodb()
        .query()
        .table_name(table)
        .key_condition_expression("conversation_id = :id")
        .expression_attribute_values(":id", AttributeValue::S(id.to_owned()))
        .consistent_read(true);
    page.send().await.unwrap().items.unwrap_or_default()
}

/// Makes the items of a conversation in a table those of an earlier moment.
async fn restore(table: &str, sort_key: &str, id: &str, earlier: &[Item]) {
    for item in items(table, id).await {
        let key = ["conversation_id", sort_key].map(|name| (name.to_owned(), item[name].clone()));
        dynamodb().delete_item().table_name(table).set_key(Some(key.into())).send().await.unwrap();
    }
    for item in earlier {
        dynamodb().put_item().table_name(table).set_item(Some(item.clone())).send().await.unwrap();
    }
}

/// Sends as a process that remembers nothing: restored tables have new names, and with them functions have new processes.
async fn send(user: &TestUser, id: &str) -> Result<u64, SendError> {
    let log = aws::log(&dynamodb());
    let draft = Draft {
        conversation_id: id.parse().unwrap(),
        sender_id: user.user_id.parse().unwrap(),
        client_message_id: ClientMessageId(Uuid::new_v4()),
        after_seq: None,
        content: Content::new("Hello".to_owned(), None, Vec::new()).unwrap(),
        attachment_ids: Vec::new(),
    };
    Ok(log.open(&draft).await?.append().await?.item.seq.0)
}

/// Sends, changes members and syncs.
async fn chat_works(group: &Group, owner: &TestUser, joining: &TestUser) {
    assert_eq!(group.add(owner, &[joining]).await.0, 204);
    let seq = send(owner, &group.id).await.unwrap();
    assert_eq!(group.read(joining).await.last(), Some(&seq));
    let (status, synced) = joining.get(&format!("{}/messages?after_seq={}", group.path, seq - 1)).await;
    assert_eq!((status, synced["messages"].as_array().unwrap().len()), (200, 1), "{synced}");
    assert_eq!(group.remove(owner, joining).await.0, 204);
    assert_eq!(compare(&group.id, false).await, []);
}

async fn three() -> [TestUser; 3] {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    [alice, bob, carol]
}

#[tokio::test]
async fn missing_and_extra_items_are_mended() {
    use FindingKind::{ActiveMember, Conversation};

    let [alice, bob, carol] = three().await;
    let group = Group::of(&alice, &[&bob]).await;
    assert_eq!(compare(&group.id, true).await, []);
    let before = StoredState::after_relay(Cloud::shared(), &group.id).await;
    let members = items(MEMBERS, &group.id).await;

    let without_bob: Vec<Item> = members
        .iter()
        .filter(|item| item["entry"] != AttributeValue::S(format!("a#{}", bob.user_id)))
        .cloned()
        .collect();
    restore(MEMBERS, "entry", &group.id, &without_bob).await;
    mends(&group.id, &[FindingKind::ActiveMember]).await;
    assert_eq!(StoredState::after_relay(Cloud::shared(), &group.id).await, before);

    let mut extra = members.clone();
    let mut intruder = extra.iter().find(|item| item.contains_key("role")).unwrap().clone();
    intruder.insert("entry".to_owned(), AttributeValue::S(format!("a#{}", carol.user_id)));
    intruder.insert("user_id".to_owned(), AttributeValue::S(carol.user_id.clone()));
    extra.push(intruder);
    restore(MEMBERS, "entry", &group.id, &extra).await;
    assert_eq!(carol.get(&group.path).await.0, 200, "the item lets her in");
    mends(&group.id, &[FindingKind::UnknownActiveMember]).await;
    assert_ne!(carol.get(&group.path).await.0, 200);
    assert_eq!(StoredState::after_relay(Cloud::shared(), &group.id).await, before);

    restore(MEMBERS, "entry", &group.id, &[]).await;
    mends(&group.id, &[ActiveMember, ActiveMember, Conversation]).await;
    chat_works(&group, &alice, &carol).await;
}

#[tokio::test]
async fn sql_may_be_older() {
    let [alice, bob, carol] = three().await;
    let group = Group::of(&alice, &[&bob]).await;
    group.stored_state().await;
    assert_eq!(group.add(&alice, &[&carol]).await.0, 204);
    group.stored_state().await;
    let owner = aws::database(Cloud::shared());
    let id: Uuid = group.id.parse().unwrap();
    query("DELETE FROM conversation_members WHERE conversation_id = $1 AND user_id = $2")
        .bind(id)
        .bind(carol.user_id.parse::<Uuid>().unwrap())
        .execute(&owner)
        .await
        .unwrap();
    query("UPDATE conversations SET version = version - 1, member_count = member_count - 1 WHERE conversation_id = $1")
        .bind(id)
        .execute(&owner)
        .await
        .unwrap();
    mends(&group.id, &[FindingKind::UnknownActiveMember, FindingKind::Conversation]).await;
    assert!(send(&carol, &group.id).await.is_err(), "SQL decides who is a member");
    chat_works(&group, &alice, &carol).await;
}

/// SQL may be of a moment before a deletion.
#[tokio::test]
async fn deletion_of_a_user_is_never_undone() {
    let [alice, bob, carol] = three().await;
    let group = Group::of(&alice, &[&bob, &carol]).await;
    assert_eq!(group.remove(&alice, &carol).await.0, 204);
    group.stored_state().await;
    let key = [("conversation_id", group.id.clone()), ("entry", format!("p#{}", carol.user_id))];
    let key = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
    // Its periods differ, so it would be mended if the user were not deleted.
    let delete = dynamodb()
        .update_item()
        .table_name(MEMBERS)
        .set_key(Some(key.into()))
        .update_expression("SET user_deleted = :deleted, periods = :none")
        .expression_attribute_values(":deleted", AttributeValue::Bool(true))
        .expression_attribute_values(":none", AttributeValue::L(Vec::new()));
    delete.send().await.unwrap();
    let before = items(MEMBERS, &group.id).await;
    for mend in [false, true, false] {
        assert_eq!(compare(&group.id, mend).await, [FindingKind::DeletionLost]);
    }
    assert_eq!(items(MEMBERS, &group.id).await, before, "the item is as it was");
}

#[tokio::test]
async fn dynamodb_may_be_older() {
    let [alice, bob, carol] = three().await;
    let group = Group::of(&alice, &[&bob]).await;
    group.stored_state().await;
    let (log, members) = (items(MESSAGES, &group.id).await, items(MEMBERS, &group.id).await);
    for _ in 0..3 {
        send(&alice, &group.id).await.unwrap();
    }
    assert_eq!(group.add(&alice, &[&carol]).await.0, 204);
    assert_eq!(group.remove(&alice, &bob).await.0, 204);
    group.stored_state().await;
    restore(MESSAGES, "seq", &group.id, &log).await;
    restore(MEMBERS, "entry", &group.id, &members).await;
    let found = compare(&group.id, false).await;
    for kind in [FindingKind::LogIsOlder, FindingKind::Conversation, FindingKind::UnknownActiveMember] {
        assert!(found.contains(&kind), "{found:?}");
    }
    mends(&group.id, &found).await;
    // Bob left by SQL: what is sent now is not for him, although it has seqs that he once saw.
    assert_eq!(send(&carol, &group.id).await.unwrap(), 2);
    assert_eq!(group.read(&bob).await, [1]);
    assert_eq!(group.read(&carol).await, [2]);
    chat_works(&group, &alice, &bob).await;

    // A conversation of which DynamoDB has nothing.
    restore(MESSAGES, "seq", &group.id, &[]).await;
    restore(MEMBERS, "entry", &group.id, &[]).await;
    let found = compare(&group.id, false).await;
    assert!(found.contains(&FindingKind::NoLog), "{found:?}");
    mends(&group.id, &found).await;
    chat_works(&group, &alice, &bob).await;
}

/// A change that SQL has in its outbox cannot follow the projection.
#[tokio::test]
async fn changes_that_cannot_be_relayed_are_mended() {
    let [alice, bob, carol] = three().await;
    let group = Group::of(&alice, &[&bob]).await;
    group.stored_state().await;
    let members = items(MEMBERS, &group.id).await;
    assert_eq!(group.add(&alice, &[&carol]).await.0, 204);
    assert_eq!(outcome(alice.patch(&group.path, &json!({"title": "Later"})).await).0, 200);
    group.stored_state().await;
    restore(MEMBERS, "entry", &group.id, &members).await;
    let (status, problem) = alice.patch(&group.path, &json!({"title": "Last"})).await;
    assert_eq!(status, 500, "{problem}");
    assert_eq!(compare(&group.id, false).await, [FindingKind::ChangesWaiting]);
    let mended = compare(&group.id, true).await;
    assert!(mended.contains(&FindingKind::Conversation), "{mended:?}");
    assert_eq!(compare(&group.id, false).await, []);
    assert_eq!(alice.get(&group.path).await.1["title"], "Last");
    assert_eq!(group.remove(&alice, &carol).await.0, 204);
    chat_works(&group, &alice, &carol).await;
}

#[tokio::test]
async fn hole_in_a_log_is_reported() {
    let [alice, bob, _] = three().await;
    let group = Group::of(&alice, &[&bob]).await;
    for _ in 0..2 {
        send(&alice, &group.id).await.unwrap();
    }
    let mut log = items(MESSAGES, &group.id).await;
    log.remove(1);
    restore(MESSAGES, "seq", &group.id, &log).await;
    for mend in [false, true, false] {
        assert_eq!(compare(&group.id, mend).await, [FindingKind::HoleInLog]);
    }
}

#[tokio::test]
async fn blocks_tombstones_and_files_are_mended() {
    let [alice, bob, carol] = three().await;
    let private = alice.private_conversation_with(&bob).await;
    let (status, answer) = alice.patch(&format!("/v1/conversations/{private}"), &json!({"blocked": true})).await;
    assert_eq!(status, 200, "{answer}");
    for partition in ["blocks", "blockers"] {
        let (of, other) = if partition == "blocks" { (&alice, &bob) } else { (&bob, &alice) };
        let key = [("conversation_id", format!("{partition}#{}", of.user_id)), ("entry", other.user_id.clone())];
        let key = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
        dynamodb().delete_item().table_name(MEMBERS).set_key(Some(key.into())).send().await.unwrap();
        mends(&private, &[FindingKind::Blocks]).await;
    }

    assert!([200, 202, 204].contains(&carol.delete("/v1/users/me").await.0));
    let key = AttributeValue::S(carol.user_id.clone());
    dynamodb().delete_item().table_name(aws::CONNECTIONS).key("user_id", key).send().await.unwrap();
    for (mend, findings) in [(false, &[FindingKind::Tombstone][..]), (true, &[FindingKind::Tombstone]), (false, &[])] {
        assert_eq!(compare_one("users", &carol.user_id, mend).await, findings);
    }
    assert_eq!(carol.get("/v1/conversations").await.1["code"], "user_deleted");

    let file = Uuid::now_v7();
    query(
        "INSERT INTO file_metadata (file_id, owner_id, conversation_id, name, content_type, size, sha256, status)
         VALUES ($1, $2, $3, 'a.txt', 'text/plain', 1, repeat('0', 64), 'ready')",
    )
    .bind(file)
    .bind(alice.user_id.parse::<Uuid>().unwrap())
    .bind(private.parse::<Uuid>().unwrap())
    .execute(&aws::database(Cloud::shared()))
    .await
    .unwrap();
    for (mend, findings) in [(false, &[FindingKind::File][..]), (true, &[FindingKind::File]), (false, &[])] {
        assert_eq!(compare_one("files", &file.to_string(), mend).await, findings);
    }
}

/// Page by page, as an operator does.
#[tokio::test]
async fn pages_lead_through_everything() {
    let [alice, bob, _] = three().await;
    Group::of(&alice, &[&bob]).await;
    let (mut cursor, mut compared, mut pages) = (None, 0, 0);
    loop {
        let answer = page(cursor, 3, false).await;
        assert!(answer.compared <= 3);
        (compared, pages) = (compared + answer.compared, pages + 1);
        cursor = answer.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert!(compared >= 3 && pages >= 2, "{compared} in {pages} pages");
}
