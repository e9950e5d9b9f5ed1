//! A stack that has grown: one very long conversation and very many others. Requests take the same time before and after.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use chat::archive::{Added, Archiver};
use domain::{Content, ConversationId, MessageKind, SegmentSize, Seq, Timestamp};
use end_to_end::long_log::append;
use end_to_end::{Cloud, TestUser, aws};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use sqlx_data_api::query;
use store::dynamodb::LogItem;
use uuid::Uuid;

use super::meter::Reading;
use super::report::Report;
use super::table::Table;
use super::times::Times;
use super::{Failure, disk};

/// Items of the short conversation.
const SHORT: u64 = 1_000;

/// Requests of each kind.
const SAMPLES: u64 = 200;

/// Conversations of the user, beside those two.
const OWN: usize = 50;

/// Time without requests after which functions have caught up, and the longest that they may take.
const QUIET: Duration = Duration::from_secs(4);
const MAX_CATCHING_UP: Duration = Duration::from_mins(5);

/// Segments, and groups of conversations, that are written at once.
const AT_ONCE: usize = 4;

/// Conversations of one SQL statement, and of one request to the table.
const PER_STATEMENT: usize = 1_000;
const PER_REQUEST: usize = 25;

/// Two users with two conversations.
struct Stack {
    user: TestUser,
    other: TestUser,
    short: Room,
    long: Room,
}

struct Room {
    id: ConversationId,
    path: String,
    head: u64,
}

/// Measures requests, makes the stack grow, and measures them again.
pub(crate) async fn run(items: u64, conversations: u64, report: &mut Report) -> Result<(), Failure> {
    let data = disk::folder()?;
    let cloud = disk::start(data.path(), &["Search=off"]);
    let mut stack = Stack::create(&cloud).await?;
    let before = measure(&stack.user, &mut stack.short).await?;
    let begun = Instant::now();
    add_conversations(&cloud, &stack, conversations).await?;
    let added = begun.elapsed();
    let begun = Instant::now();
    fill(&cloud, &mut stack.long, items).await?;
    report.add_text(&format!(
        "{conversations} conversations, written in {:.0} s, and {items} items in one, written in {:.0} s, nearly all into the archive.",
        added.as_secs_f64(),
        begun.elapsed().as_secs_f64(),
    ))?;
    until_quiet(&cloud).await?;
    let after = measure(&stack.user, &mut stack.short).await?;
    let long = measure(&stack.user, &mut stack.long).await?;
    let mut table = Table::new(&[
        "request, p50 / p99 / max ms",
        "1,000 items, alone",
        "1,000 items, after",
        "the long one",
        "p50, times",
    ]);
    for (((name, before), (_, after)), (_, long)) in before.into_iter().zip(after).zip(long) {
        let ratio = long.at(50.0).as_secs_f64() / before.at(50.0).as_secs_f64();
        table.row([
            name.to_owned(),
            before.p50_p99_max(),
            after.p50_p99_max(),
            long.p50_p99_max(),
            format!("{ratio:.1}"),
        ]);
    }
    report.table("growth", &table)?;
    cloud.stop();
    Ok(())
}

impl Stack {
    async fn create(cloud: &Cloud) -> Result<Self, Failure> {
        let (user, other) = tokio::join!(TestUser::of(cloud, "reader"), TestUser::of(cloud, "other"));
        let group = async |title: &str| -> Result<Room, Failure> {
            let body = json!({"type": "group", "title": title, "member_ids": [other.user_id]});
            let id = user.create_conversation(&body).await;
            Ok(Room { path: format!("/v1/conversations/{id}"), id: id.parse()?, head: 1 })
        };
        for n in 0..OWN {
            group(&format!("Room {n}")).await?;
        }
        let (mut short, long) = (group("Short").await?, group("Long").await?);
        let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
        let head = aws::log(&dynamodb).messages.head(short.id, true).await?.ok_or("a conversation without items")?;
        append(&dynamodb, head, (2..=SHORT).map(text)).await?;
        short.head = SHORT;
        Ok(Self { user, other, short, long })
    }
}

/// Waits until the readers of the stream have caught up: until no function has asked for anything for some seconds.
async fn until_quiet(cloud: &Cloud) -> Result<(), Failure> {
    let begun = Instant::now();
    let (mut before, mut changed) = (BTreeMap::new(), Instant::now());
    while changed.elapsed() < QUIET {
        if begun.elapsed() > MAX_CATCHING_UP {
            return Err("functions do not catch up".into());
        }
        let requests = Reading::take(cloud).await.requests();
        if requests != before {
            (before, changed) = (requests, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

/// Measures requests about a conversation, each many times.
async fn measure(user: &TestUser, room: &mut Room) -> Result<Vec<(&'static str, Times)>, Failure> {
    let mut random = fastrand::Rng::with_seed(room.head);
    let mut times = Vec::new();
    let (path, head) = (room.path.clone(), room.head);
    let around = |seq: u64, random: &mut fastrand::Rng| seq.saturating_sub(random.u64(..100)).max(102);
    let kinds = ["history, the newest page", "history, from the middle", "history, the oldest page"];
    for (kind, last) in kinds.into_iter().zip([head + 1, head / 2, 1_000]) {
        let mut all = Vec::new();
        for _ in 0..SAMPLES {
            // The same chunk would be remembered.
            let spread = if last == head / 2 && head > 100_000 { random.u64(..head / 4) } else { 0 };
            let before = if last > head { last } else { around(last + spread, &mut random) };
            let begun = Instant::now();
            let (status, page) = user.get(&format!("{path}/messages?before_seq={before}&limit=100")).await;
            all.push(begun.elapsed());
            is(status == 200 && page["messages"].as_array().is_some_and(|all| all.len() == 100), &page)?;
        }
        times.push((kind, Times::new(all)));
    }
    let sync = json!({"cursors": {room.id.to_string(): head.saturating_sub(50)}});
    times.push(("sync, 50 items", post(user, "/v1/sync", &sync, 200).await?));
    times.push(("list of conversations", post(user, "/v1/sync", &json!({"cursors": {}}), 200).await?));
    let mut sent = Vec::new();
    for _ in 0..SAMPLES {
        let message = json!({"client_message_id": Uuid::new_v4(), "after_seq": room.head, "text": "One more"});
        let begun = Instant::now();
        let (status, answer) = user.post(&format!("{path}/messages"), &message).await;
        sent.push(begun.elapsed());
        is(status == 201, &answer)?;
        room.head = answer["seq"].as_u64().ok_or("a message without seq")?;
    }
    times.push(("send", Times::new(sent)));
    Ok(times)
}

async fn post(user: &TestUser, path: &str, body: &Value, expected: u16) -> Result<Times, Failure> {
    let mut times = Vec::new();
    for _ in 0..SAMPLES {
        let begun = Instant::now();
        let (status, answer) = user.post(path, body).await;
        times.push(begun.elapsed());
        is(status == expected, &answer)?;
    }
    Ok(Times::new(times))
}

fn is(expected: bool, answer: &Value) -> Result<(), Failure> {
    if expected { Ok(()) } else { Err(format!("an unexpected answer: {answer}").into()) }
}

fn text(seq: u64) -> Content {
    Content::new(format!("Message {seq}, of about the length that messages have."), None, vec![]).expect("a text")
}

/// Writes so many items as the archive would have them, and the newest ones into the table.
async fn fill(cloud: &Cloud, room: &mut Room, items: u64) -> Result<(), Failure> {
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let messages = aws::log(&dynamodb).messages;
    let mut first = messages.head(room.id, true).await?.ok_or("a conversation without items")?;
    // A millisecond for each item, the last of them now.
    let begun = Timestamp::now().minus(Duration::from_millis(items));
    first.sent_at = begun;
    let item = |seq: u64| {
        let sent_at = begun.plus(Duration::from_millis(seq - 1));
        LogItem::new(room.id, Seq(seq), first.sender_id, sent_at, first.members_seq, MessageKind::Text(text(seq)))
    };
    let archiver = Archiver { archive: aws::archive(cloud), messages, after: Duration::ZERO, deletion_rate: 1_000 };
    let segments: Vec<_> = SegmentSize::STORED.movable(Seq(items)).collect();
    let border = segments.last().map_or(1, |segment| segment.last.0);
    let write = async |segment: domain::period::SeqRange| {
        let mut items: Vec<LogItem> = (segment.first.0.max(2)..=segment.last.0).map(item).collect();
        if segment.first.0 == 1 {
            items.insert(0, first.clone());
        }
        match archiver.add(room.id, segment, &items).await {
            Ok(Added::There) => Ok(()),
            Ok(Added::TooLarge) => Err("a segment was not written".into()),
            Err(error) => Err(Failure::from(error)),
        }
    };
    stream::iter(segments).map(write).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    append(&dynamodb, item(border), (border + 1..=items).map(text)).await?;
    let key = |request: aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder| {
        request
            .key("conversation_id", AttributeValue::S(room.id.to_string()))
            .key("seq", AttributeValue::N("1".to_owned()))
    };
    key(dynamodb.delete_item().table_name(aws::MESSAGES)).send().await?;
    room.head = items;
    Ok(())
}

/// Writes conversations of the two users, which are copies of the short one with its first item alone.
async fn add_conversations(cloud: &Cloud, stack: &Stack, count: u64) -> Result<(), Failure> {
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let template = stack.short.id.to_string();
    let items = async |table: &str, condition: &str| -> Result<Vec<_>, Failure> {
        let query = dynamodb.query().table_name(table).key_condition_expression(condition);
        let query = query.expression_attribute_values(":id", AttributeValue::S(template.clone()));
        let query = if condition.contains(":one") {
            query.expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
        } else {
            query
        };
        Ok(query.send().await?.items.unwrap_or_default())
    };
    let members = items(aws::MEMBERS, "conversation_id = :id").await?;
    let first = items(aws::MESSAGES, "conversation_id = :id AND seq = :one").await?;
    let pool = aws::database(cloud);
    let ids: Vec<String> = (0..count).map(|_| Uuid::now_v7().to_string()).collect();
    for ids in ids.chunks(PER_STATEMENT) {
        query(
            "INSERT INTO conversations (conversation_id, type, title, created_by, version, member_count)
             SELECT id::uuid, 'group', 'One of many', $2, 1, 2 FROM unnest(string_to_array($1, ',')) AS id",
        )
        .bind(ids.join(","))
        .bind(Uuid::parse_str(&stack.user.user_id)?)
        .execute(&pool)
        .await?;
        query(
            "INSERT INTO conversation_members
                (member_id, conversation_id, user_id, role, added_by, joined_version, joined_seq)
             SELECT gen_random_uuid(), id::uuid, $2, 'owner', $2, 1, 1 FROM unnest(string_to_array($1, ',')) AS id",
        )
        .bind(ids.join(","))
        .bind(Uuid::parse_str(&stack.other.user_id)?)
        .execute(&pool)
        .await?;
        let requests = ids.chunks(PER_REQUEST).flat_map(|ids| {
            let tables = [(aws::MEMBERS, &members), (aws::MESSAGES, &first)];
            tables.into_iter().flat_map(move |(table, items)| items.iter().map(move |item| (table, item, ids)))
        });
        let write = async |(table, item, ids): (&str, &std::collections::HashMap<_, _>, &[String])| {
            let puts = ids.iter().map(|id| {
                let mut item = item.clone();
                item.insert("conversation_id".to_owned(), AttributeValue::S(id.clone()));
                // Members of their own: nobody has so many conversations.
                if let Some(AttributeValue::S(entry)) = item.get("entry").cloned()
                    && entry.starts_with("a#")
                {
                    let user = Uuid::now_v7().to_string();
                    item.insert("entry".to_owned(), AttributeValue::S(format!("a#{user}")));
                    item.insert("user_id".to_owned(), AttributeValue::S(user));
                }
                Ok(WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build()?).build())
            });
            let puts = puts.collect::<Result<Vec<_>, Failure>>()?;
            let written = dynamodb.batch_write_item().request_items(table, puts).send().await?;
            match written.unprocessed_items {
                Some(left) if !left.is_empty() => Err(Failure::from("not all was written")),
                _ => Ok(()),
            }
        };
        stream::iter(requests).map(write).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    }
    Ok(())
}
