//! An import: how fast messages are brought, and what that costs.

use std::io::{Cursor, Write};
use std::iter;
use std::time::{Duration, Instant};

use domain::import::IdSpace;
use domain::{ConversationId, ConversationType, Timestamp};
use end_to_end::test_user::client;
use end_to_end::{Cloud, TestBackend, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::meter::Reading;
use super::report::Report;
use super::table::Table;
use super::{Failure, disk};

/// Age from which items move to the archive, and that of the newest message of the old ones, in days.
const ARCHIVE_AFTER: &str = "ArchiveAfter=180";
const OLD_DAYS: u64 = 365;

/// Messages of each conversation but the long one, which has half of all.
const SHORT: u64 = 2_500;

/// Messages of each conversation where all are small.
const SMALL: u64 = 20;

/// Most conversations that are read afterwards.
const COMPARED: usize = 40;

/// Messages of an entry, about as many as exports write.
const PER_ENTRY: u64 = 10_000;

/// Words of a message, and different words.
const WORDS_PER_TEXT: usize = 10;
const VOCABULARY: f64 = 20_000.0;

/// Time after which the import is taken for stuck.
const MAX_TIME: Duration = Duration::from_mins(30);

/// A conversation of the file.
struct Room {
    id: String,
    count: u64,
}

/// Imports so many messages three times: young ones, old ones, which go to the archive at once, and young ones of small conversations.
pub(crate) async fn run(messages: u64, report: &mut Report) -> Result<(), Failure> {
    let mut table = Table::new(&[
        "messages",
        "file, MB",
        "seconds",
        "messages a second",
        "AWS calls per 1,000",
        "write units per 1,000",
        "USD per million",
    ]);
    let mut calls = Vec::new();
    let old = Duration::from_hours(24 * OLD_DAYS);
    let files = [
        ("young", Duration::ZERO, rooms(messages)),
        ("old", old, rooms(messages)),
        ("few in each conversation", Duration::ZERO, small_rooms(messages)),
    ];
    for (name, age, rooms) in files {
        let data = disk::folder()?;
        let cloud = disk::start(data.path(), &["Search=off", ARCHIVE_AFTER]);
        let imported = import(&cloud, &rooms, age).await;
        cloud.stop();
        let Imported { bytes, took, reading } = imported?;
        let per_1000 = |total: f64| total * 1e3 / messages as f64;
        let requests = reading.requests();
        table.row([
            format!("{messages} {name}, in {} conversations", rooms.len()),
            format!("{:.1}", bytes as f64 / 1e6),
            format!("{:.1}", took.as_secs_f64()),
            format!("{:.0}", messages as f64 / took.as_secs_f64()),
            format!("{:.1}", per_1000(requests.values().sum())),
            format!("{:.0}", per_1000(reading.units().1)),
            format!("{:.2}", per_1000(reading.usd()) * 1e3),
        ]);
        let mut most: Vec<_> = requests.into_iter().filter(|(_, count)| per_1000(*count) >= 0.1).collect();
        most.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let most: Vec<_> = most.iter().map(|(kind, count)| format!("{kind} {:.1}", per_1000(*count))).collect();
        calls.push(format!("Calls per 1,000 messages, {name}: {}.", most.join(", ")));
    }
    report.table("import", &table)?;
    report.add_text(&calls.join("\n\n"))
}

struct Imported {
    bytes: usize,
    /// From the start of the import until it is done: all messages are there for their readers.
    took: Duration,
    reading: Reading,
}

async fn import(cloud: &Cloud, rooms: &[Room], age: Duration) -> Result<Imported, Failure> {
    let (user, backend) = tokio::join!(TestUser::of(cloud, "reader"), TestBackend::of(cloud));
    let file = file(rooms, &user.user_id, age)?;
    let bytes = file.len();
    let source = "bench";
    let body = json!({"source": source, "size": bytes, "users": "kept"});
    let new = accepted(backend.post("/v1/server/imports", &body).await)?;
    let url = new["upload"]["url"].as_str().ok_or("an import without a URL")?;
    client().put(url).header("content-type", "application/zip").body(file).send().await?.error_for_status()?;
    let path = format!("/v1/server/imports/{}", new["import_id"].as_str().ok_or("an import without an id")?);
    Reading::reset(cloud).await;
    let begun = Instant::now();
    accepted(backend.post(&format!("{path}/start"), &json!({})).await)?;
    let mut now = json!({});
    while now["state"] != "done" {
        now = accepted(backend.get(&path).await)?;
        if !matches!(now["state"].as_str(), Some("running" | "done")) || begun.elapsed() > MAX_TIME {
            return Err(format!("after {} s: {now}", begun.elapsed().as_secs()).into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (took, reading) = (begun.elapsed(), Reading::take(cloud).await);
    for room in rooms.iter().step_by(rooms.len().div_ceil(COMPARED)) {
        check(&user, source, room).await?;
    }
    Ok(Imported { bytes, took, reading })
}

fn accepted((status, answer): (u16, Value)) -> Result<Value, Failure> {
    if (200..300).contains(&status) { Ok(answer) } else { Err(format!("{status}: {answer}").into()) }
}

/// Returns a long conversation, and others for the other half of the messages.
fn rooms(messages: u64) -> Vec<Room> {
    let half = messages / 2;
    iter::once(room(messages - half)).chain(rooms_of(half, SHORT)).collect()
}

/// Returns conversations of few messages each.
fn small_rooms(messages: u64) -> Vec<Room> {
    rooms_of(messages, SMALL).collect()
}

/// Returns conversations of so many messages, and one with the rest.
fn rooms_of(messages: u64, each: u64) -> impl Iterator<Item = Room> {
    (0..messages).step_by(each as usize).map(move |first| room(each.min(messages - first)))
}

fn room(count: u64) -> Room {
    Room { id: Uuid::new_v4().to_string(), count }
}

/// Writes a file whose newest message is so old. There is a second between two messages of a conversation.
fn file(rooms: &[Room], user: &str, age: Duration) -> Result<Vec<u8>, Failure> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut entry = |name: &str, lines: &mut dyn Iterator<Item = Value>| -> Result<(), Failure> {
        zip.start_file(name, SimpleFileOptions::default())?;
        for line in lines {
            writeln!(zip, "{line}")?;
        }
        Ok(())
    };
    let line = |room: &Room| json!({"conversation_id": room.id, "type": "group", "title": "Imported"});
    entry("conversations.jsonl", &mut rooms.iter().map(line))?;
    let line = |room: &Room| json!({"conversation_id": room.id, "user_id": user, "role": "owner"});
    entry("members.jsonl", &mut rooms.iter().map(line))?;
    let newest = Timestamp::now().minus(age);
    for room in rooms {
        let line = |seq: u64| {
            let sent_at = newest.minus(Duration::from_secs(room.count - seq));
            json!({"conversation_id": room.id, "seq": seq, "message_id": Uuid::new_v4(), "sender_id": user,
                "sent_at": sent_at, "kind": "text", "text": text(seq)})
        };
        for (part, first) in (1..).zip((1..=room.count).step_by(PER_ENTRY as usize)) {
            let name = if part == 1 { String::new() } else { format!(".{part}") };
            let last = room.count.min(first + PER_ENTRY - 1);
            entry(&format!("messages/{}{name}.jsonl", room.id), &mut (first..=last).map(line))?;
        }
    }
    Ok(zip.finish()?.into_inner())
}

fn text(seq: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seq);
    let words = (0..WORDS_PER_TEXT).map(|_| format!("word{}", (VOCABULARY * random.f64().powi(3)) as u32));
    words.collect::<Vec<_>>().join(" ")
}

/// Reads the ends of a conversation and a page from its middle.
async fn check(user: &TestUser, source: &str, room: &Room) -> Result<(), Failure> {
    let id: ConversationId = room.id.parse()?;
    let path = format!("/v1/conversations/{}", IdSpace::of(source).conversation(id, ConversationType::Group));
    let found = accepted(user.get(&path).await)?;
    // The item that begins the log comes before them.
    if found["head_seq"] != room.count + 1 {
        return Err(format!("a conversation of {} messages: {found}", room.count).into());
    }
    for last in [room.count, room.count / 2, room.count.min(100)] {
        let page = accepted(user.get(&format!("{path}/messages?before_seq={}&limit=50", last + 2)).await)?;
        let messages = page["messages"].as_array().ok_or("a page without messages")?;
        let expected = last.saturating_sub(49).max(1)..=last;
        let found: Vec<_> = messages.iter().filter(|message| message["kind"] == "text").collect();
        let is_same =
            |(message, number): (&&Value, u64)| message["seq"] == number + 1 && message["text"] == text(number);
        if found.len() as u64 != last.min(50) || !found.iter().zip(expected).all(is_same) {
            return Err(format!("another page before {last}: {page}").into());
        }
    }
    Ok(())
}
