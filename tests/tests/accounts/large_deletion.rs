//! Deletion of a user with very many conversations and files, by workers that are killed meanwhile.
//!
//! `DELETION_CONVERSATIONS` and `DELETION_FILES` set the numbers. The chain of queue messages must not grow with them: Lambda ends
//! a chain of about 16 invocations.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use aws_sdk_sqs::types::QueueAttributeName;
use domain::{ConversationId, ConversationType, FileId, UserId};
use end_to_end::{Cloud, TestUser, aws};
use futures_util::{StreamExt, stream};
use sqlx_data_api::{DataApiPool, query, query_scalar};
use uuid::Uuid;

use crate::setup::{group, messages};

type Item = HashMap<String, AttributeValue>;

/// More than one invocation ends.
const CONVERSATIONS: usize = 150;

/// As many pages of a hundred as Lambda allows invocations in a chain, and some.
const FILES: usize = 2_000;

/// Time that the workers may take, for the largest numbers on a busy machine.
const WORK_TIMEOUT: Duration = Duration::from_mins(30);

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |value| value.parse().unwrap())
}

async fn write_items(cloud: &Cloud, table: &str, items: Vec<Item>) {
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let chunks: Vec<Vec<Item>> = items.chunks(25).map(<[Item]>::to_vec).collect();
    let write = async |items: Vec<Item>| {
        let put = |item| PutRequest::builder().set_item(Some(item)).build().unwrap();
        let writes = items.into_iter().map(|item| WriteRequest::builder().put_request(put(item)).build()).collect();
        let written = dynamodb.batch_write_item().request_items(table, writes).send().await.unwrap();
        assert!(written.unprocessed_items.is_none_or(|rest| rest.is_empty()));
    };
    stream::iter(chunks).map(write).buffer_unordered(4).collect::<Vec<()>>().await;
}

/// Returns the items of a conversation in a table.
async fn items(cloud: &Cloud, table: &str, conversation: &str) -> Vec<Item> {
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let found = dynamodb
        .query()
        .table_name(table)
        .key_condition_expression("conversation_id = :id")
        .expression_attribute_values(":id", AttributeValue::S(conversation.to_owned()))
        .send();
    found.await.unwrap().items.unwrap()
}

/// Copies a conversation, with its log and its members, to new ids. Requests would take minutes.
async fn copy(cloud: &Cloud, conversation: &str, copies: usize) -> Vec<String> {
    let ids: Vec<Uuid> = (0..copies).map(|_| ConversationId::of_kind(ConversationType::Group).0).collect();
    let (database, source) = (aws::database(cloud), conversation.parse::<Uuid>().unwrap());
    for ids in ids.chunks(1_000) {
        for statement in [
            "INSERT INTO conversations (conversation_id, type, title, created_by, version, history, member_count)
             SELECT ids.id, type, title, created_by, version, history, member_count
             FROM conversations, unnest($1::uuid[]) AS ids (id) WHERE conversation_id = $2",
            "INSERT INTO conversation_members (member_id, conversation_id, user_id, role, added_by, joined_version, joined_seq)
             SELECT gen_random_uuid(), ids.id, user_id, role, added_by, joined_version, joined_seq
             FROM conversation_members, unnest($1::uuid[]) AS ids (id) WHERE conversation_id = $2",
        ] {
            query(statement).bind(ids.to_vec()).bind(source).execute(&database).await.unwrap();
        }
    }
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    for table in [aws::MEMBERS, aws::MESSAGES] {
        let source = items(cloud, table, conversation).await;
        let with_id = |id: &String| {
            let id = AttributeValue::S(id.clone());
            source.iter().cloned().map(move |mut item| {
                item.insert("conversation_id".to_owned(), id.clone());
                item
            })
        };
        write_items(cloud, table, ids.iter().flat_map(with_id).collect()).await;
    }
    ids
}

/// Gives a user files, one in five of which is not uploaded.
async fn add_files(cloud: &Cloud, owner: UserId, conversation: &str, number: usize) {
    let database = aws::database(cloud);
    for n in (0..number).step_by(1_000) {
        let ids: Vec<Uuid> = (n..number.min(n + 1_000)).map(|_| FileId::generate().0).collect();
        let (pending, ready) = ids.split_at(ids.len() / 5);
        for (status, ids) in [("pending", pending), ("ready", ready)] {
            query(
                "INSERT INTO file_metadata (file_id, owner_id, conversation_id, name, content_type, size, sha256, status)
                 SELECT id, $2, $3, 'a.txt', 'text/plain', 1, repeat('0', 64), $4 FROM unnest($1::uuid[]) AS ids (id)",
            )
            .bind(ids.to_vec())
            .bind(owner.0)
            .bind(conversation.parse::<Uuid>().unwrap())
            .bind(status)
            .execute(&database)
            .await
            .unwrap();
        }
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let item = |id: &Uuid| {
            let ids = [("file_id", id.to_string()), ("owner_id", owner.to_string())];
            let names = [("name", "a.txt"), ("content_type", "text/plain"), ("conversation_id", conversation)];
            let ids = ids.map(|(name, value)| (name.to_owned(), text(&value))).into_iter();
            let names = names.map(|(name, value)| (name.to_owned(), text(value))).into_iter();
            ids.chain(names).chain([("size".to_owned(), AttributeValue::N("1".to_owned()))]).collect()
        };
        write_items(cloud, "local-FilesTable", ready.iter().map(item).collect()).await;
    }
}

/// A worker that is killed is repeated soon, not after six minutes.
async fn shorten_visibility(cloud: &Cloud) {
    for url in [aws::relay_queue_url(cloud), aws::files_queue_url(cloud)] {
        let attribute = aws::sqs(cloud).set_queue_attributes().queue_url(url);
        attribute.attributes(QueueAttributeName::VisibilityTimeout, "30").send().await.unwrap();
    }
}

/// Counts the memberships and files that a user still has.
async fn left(database: &DataApiPool, user: UserId) -> (i64, i64) {
    let count = async |statement| query_scalar(statement).bind(user.0).fetch_one(database).await.unwrap();
    tokio::join!(
        count("SELECT count(*) FROM conversation_members WHERE user_id = $1 AND left_at IS NULL"),
        count("SELECT count(*) FROM file_metadata WHERE owner_id = $1"),
    )
}

/// Counts the messages of a dead-letter queue.
async fn dead(cloud: &Cloud, queue: &str) -> String {
    let name = QueueAttributeName::ApproximateNumberOfMessages;
    let request = aws::sqs(cloud).get_queue_attributes().queue_url(aws::queue_url(cloud, queue));
    let attributes = request.attribute_names(name.clone()).send().await.unwrap().attributes.unwrap();
    attributes[&name].clone()
}

#[tokio::test]
async fn workers_finish_the_deletion_of_a_large_account() {
    let (conversations, files) = (number("DELETION_CONVERSATIONS", CONVERSATIONS), number("DELETION_FILES", FILES));
    // A cloud of its own: no other test's function may be killed.
    let cloud = Cloud::start(None);
    let (alice, bob) = tokio::join!(TestUser::of(&cloud, "alice"), TestUser::of(&cloud, "bob"));
    let user: UserId = alice.user_id.parse().unwrap();
    let first = group(&bob, &[&alice]).await;
    let groups = copy(&cloud, &first, conversations - 1).await;
    add_files(&cloud, user, &first, files).await;
    shorten_visibility(&cloud).await;
    let database = aws::database(&cloud);
    assert_eq!(left(&database, user).await, (conversations.try_into().unwrap(), files.try_into().unwrap()));

    let started = Instant::now();
    assert_eq!(alice.delete("/v1/users/me").await.0, 204);
    let (mut memberships, mut killed) = (usize::MAX, 0);
    let mut last = (0, 0);
    while last != (0, 0) || memberships == usize::MAX {
        last = left(&database, user).await;
        if last.0 == 0 && memberships > 0 {
            memberships = 0;
            println!("{conversations} memberships had ended after {:.1?}", started.elapsed());
        } else if memberships > 0 {
            memberships = 1;
        }
        assert!(started.elapsed() < WORK_TIMEOUT, "{last:?} memberships and files are left");
        // Twice, and each worker at work.
        if killed < 2 && cloud.kill("Relay").await + cloud.kill("FileCleanup").await > 0 {
            killed += 1;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!("{files} files were deleted after {:.1?}", started.elapsed());
    for group in groups.iter().take(20).chain([&first]) {
        let kinds: Vec<_> = messages(&bob, group).await.iter().map(|message| message["kind"].clone()).collect();
        assert_eq!(kinds, ["created", "member_left"], "the departure is logged once");
    }
    for queue in ["RelayDeadLetterQueue", "FilesDeadLetterQueue", "FanoutDeadLetterQueue"] {
        assert_eq!(dead(&cloud, queue).await, "0", "{queue}");
    }
    cloud.stop();
}
