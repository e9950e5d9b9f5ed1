//! A long conversation whose old end is in the archive: how fast it moves, that every message is there, and how long a page takes.

use std::time::{Duration, Instant};

use domain::{Content, ConversationId, MessageId, SegmentSize, Seq, Timestamp};
use end_to_end::lambda::invoke;
use end_to_end::long_log::append;
use end_to_end::{Cloud, TestUser, aws};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::report::Report;
use super::table::Table;
use super::times::Times;
use super::{Failure, disk};

/// Items that are written before the next ones are made.
const ITEMS_PER_WRITE: u64 = 10_000;

/// Messages of a page.
const PAGE_SIZE: u64 = 100;

/// Words of a message, and different words.
const WORDS_PER_TEXT: usize = 10;
const VOCABULARY: f64 = 20_000.0;

/// Pages that are read from the table, and from anywhere in the archive.
const SAMPLES: u64 = 300;

/// Time without an archived segment after which the worker is taken for stuck.
const MAX_STILL: Duration = Duration::from_mins(5);

/// The conversation, and what cannot be computed of its messages: the first one has seq 2.
struct Room {
    id: ConversationId,
    path: String,
    user: TestUser,
    written: Vec<(MessageId, Timestamp)>,
    head: u64,
}

/// Fills a conversation, has it archived, and reads it from end to end.
pub(crate) async fn run(items: u64, report: &mut Report) -> Result<(), Failure> {
    let data = disk::folder()?;
    let (mut room, filled) = fill(&data, items).await?;
    // Everything is old enough for this one.
    let cloud = start(&data, "ArchiveAfter=0.00002");
    room.user = room.user.at(&cloud);
    let segments: Vec<_> = SegmentSize::STORED.movable(Seq(room.head)).collect();
    let begun = Instant::now();
    let event = json!({"conversation_id": room.id}).to_string();
    let queued = invoke(&cloud, "LogArchive", event).await.result;
    if queued["queued"] != segments.len() {
        return Err(format!("{queued} of {} segments", segments.len()).into());
    }
    wait_until_archived(&cloud, &room).await?;
    let moved = begun.elapsed();
    let archived = segments.len() as u64 * SegmentSize::STORED.seqs();
    let mut bytes = 0;
    for segment in &segments {
        bytes += aws::chunks(&cloud).get(room.id, segment.first).await?.ok_or("a segment without an index")?.bytes;
    }
    report.add_text(&format!(
        "{} items, written in {:.0} s. {archived} of them in {} segments moved to the archive in {:.0} s, {:.0} a second. A chunk has \
         {:.0} KB.",
        room.head,
        filled.as_secs_f64(),
        segments.len(),
        moved.as_secs_f64(),
        archived as f64 / moved.as_secs_f64(),
        bytes as f64 / 1e3 / segments.len().max(1) as f64,
    ))?;
    let mut table = Table::new(&["a page of 100 messages", "pages", "p50 / p99 / max ms"]);
    let mut add = |kind: &str, times: Vec<Duration>| {
        table.row([kind.to_owned(), times.len().to_string(), Times::new(times).p50_p99_max()]);
    };
    for direction in [Direction::Down, Direction::Up] {
        let (cold, warm) = read_all(&room, direction, archived).await?;
        add(&format!("{}, chunk from S3", direction.name()), cold);
        add(&format!("{}, chunk remembered", direction.name()), warm);
    }
    let mut random = fastrand::Rng::with_seed(items);
    let mut from = async |least: u64, most: u64| -> Result<Vec<Duration>, Failure> {
        let mut times = Vec::new();
        for _ in 0..SAMPLES.min(most - least) {
            let begun = Instant::now();
            let page = page(&room, "before_seq", random.u64(least..most)).await?;
            times.push(begun.elapsed());
            check(&room, &page)?;
        }
        Ok(times)
    };
    add("anywhere in the archive", from(PAGE_SIZE + 2, archived + 1).await?);
    add("from the table", from(archived + PAGE_SIZE + 1, room.head + 1).await?);
    report.table("archive", &table)?;
    cloud.stop();
    Ok(())
}

fn start(data: &TempDir, age: &str) -> Cloud {
    disk::start(data.path(), &["Search=off", age])
}

/// Writes a conversation of so many items, in a cloud whose items stay; returns the time that this took.
async fn fill(data: &TempDir, items: u64) -> Result<(Room, Duration), Failure> {
    let cloud = start(data, "ArchiveAfter=0");
    let user = TestUser::of(&cloud, "reader").await;
    let id = user.create_conversation(&json!({"type": "group", "title": "Long", "member_ids": []})).await;
    let path = format!("/v1/conversations/{id}/messages");
    let mut room = Room { id: id.parse()?, path, user, written: Vec::new(), head: 1 };
    let dynamodb = aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let head = aws::log(&dynamodb).messages.head(room.id, true).await?;
    let mut newest = head.ok_or("a conversation without items")?;
    let begun = Instant::now();
    while room.head < items {
        let last = items.min(room.head + ITEMS_PER_WRITE);
        let content = |seq| Content::new(text(seq), None, vec![]).map_err(|refusal| refusal.message);
        let texts = (room.head + 1..=last).map(content).collect::<Result<Vec<_>, _>>()?;
        let written = append(&dynamodb, newest, texts).await?;
        room.written.extend(written.iter().map(|item| (item.message_id, item.sent_at)));
        newest = written.into_iter().next_back().ok_or("nothing was written")?;
        room.head = last;
    }
    let filled = begun.elapsed();
    cloud.stop();
    Ok((room, filled))
}

/// Returns the text at a seq.
fn text(seq: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seq);
    let words = (0..WORDS_PER_TEXT).map(|_| format!("word{}", (VOCABULARY * random.f64().powi(3)) as u32));
    words.collect::<Vec<_>>().join(" ")
}

/// Waits until the rows of all segments that may move are gone, oldest first.
async fn wait_until_archived(cloud: &Cloud, room: &Room) -> Result<(), Failure> {
    let chunks = aws::chunks(cloud);
    for segment in SegmentSize::STORED.movable(Seq(room.head)) {
        let begun = Instant::now();
        loop {
            let rows = chunks.rows(room.id, segment, usize::MAX).await?.rows;
            if rows.is_empty() && chunks.get(room.id, segment.first).await?.is_some() {
                break;
            }
            if begun.elapsed() > MAX_STILL {
                return Err(format!("the segment from {} on has {} rows", segment.first, rows.len()).into());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Direction {
    Down,
    Up,
}

impl Direction {
    const fn name(self) -> &'static str {
        match self {
            Self::Down => "downwards",
            Self::Up => "upwards",
        }
    }
}

/// Reads all messages, and compares each. Returns the times of the pages that are the first of their segment, and of all others.
async fn read_all(room: &Room, direction: Direction, archived: u64) -> Result<(Vec<Duration>, Vec<Duration>), Failure> {
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    let (parameter, mut next) = match direction {
        Direction::Down => ("before_seq", room.head + 1),
        Direction::Up => ("after_seq", 1),
    };
    let (mut count, mut segment) = (0, Seq::ZERO);
    loop {
        let begun = Instant::now();
        let page = page(room, parameter, next).await?;
        let took = begun.elapsed();
        let seqs = check(room, &page)?;
        count += seqs.len() as u64;
        let farthest = match direction {
            Direction::Down => seqs.first(),
            Direction::Up => seqs.last(),
        };
        if let Some(farthest) = farthest.filter(|seq| **seq <= archived) {
            let entered = SegmentSize::STORED.segment_of(Seq(*farthest)).first;
            if entered == segment {
                warm.push(took);
            } else {
                cold.push(took);
            }
            segment = entered;
        }
        match page["next"].as_u64() {
            Some(seq) => next = seq,
            None => break,
        }
    }
    // The item that created the conversation is read downwards alone.
    let expected = match direction {
        Direction::Down => room.head,
        Direction::Up => room.head - 1,
    };
    if count != expected {
        return Err(format!("{count} of {expected} messages").into());
    }
    Ok((cold, warm))
}

async fn page(room: &Room, parameter: &str, seq: u64) -> Result<Value, Failure> {
    let (status, page) = room.user.get(&format!("{}?{parameter}={seq}&limit={PAGE_SIZE}", room.path)).await;
    if status == 200 { Ok(page) } else { Err(format!("{status}: {page}").into()) }
}

/// Compares the messages of a page with what was written; returns their seqs.
fn check(room: &Room, page: &Value) -> Result<Vec<u64>, Failure> {
    let messages = page["messages"].as_array().ok_or("a page without messages")?;
    let mut seqs: Vec<u64> = Vec::new();
    for message in messages {
        let seq = message["seq"].as_u64().ok_or("a message without seq")?;
        if seqs.last().is_some_and(|last| seq != last + 1) {
            return Err(format!("{seq} comes after {seqs:?}").into());
        }
        seqs.push(seq);
        let Some(index) = seq.checked_sub(2) else { continue };
        let (message_id, sent_at) = room.written[usize::try_from(index)?];
        let is_same = message["text"] == text(seq)
            && message["message_id"] == json!(message_id)
            && message["sent_at"] == json!(sent_at)
            && message["sender_id"] == room.user.user_id;
        if !is_same {
            return Err(format!("another message: {message}").into());
        }
    }
    Ok(seqs)
}
