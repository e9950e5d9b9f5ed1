//! The search for messages: how fast the index grows, how long searches take, and how soon a message is found.

use std::time::{Duration, Instant};

use domain::{Content, ConversationId};
use end_to_end::long_log::append;
use end_to_end::test_user::client;
use end_to_end::{Cloud, TestUser, aws};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use uuid::Uuid;

use super::report::Report;
use super::table::Table;
use super::times::{Times, millis};
use super::{Failure, disk};

/// Messages of each conversation, at most.
const MESSAGES: u64 = 1_000;

/// Words of a message, and different words; a few of them are in most messages.
const WORDS_PER_TEXT: usize = 10;
const VOCABULARY: f64 = 20_000.0;

/// Conversations that are filled at once.
const AT_ONCE: usize = 4;

/// Searches of each kind.
const SEARCHES: usize = 100;

/// Messages that are sent to see how soon they are found.
const SENT: usize = 20;

/// Time without a new document after which the index is taken for stuck.
const MAX_STILL: Duration = Duration::from_mins(2);

/// Indexes so many messages, in a cloud whose data is on the disk.
pub(crate) async fn run(messages: u64, report: &mut Report) -> Result<(), Failure> {
    let data = disk::folder()?;
    let cloud = disk::start(data.path(), &[]);
    let measured = measure(&cloud, messages, report).await;
    cloud.stop();
    measured
}

async fn measure(cloud: &Cloud, messages: u64, report: &mut Report) -> Result<(), Failure> {
    let conversations = messages.div_ceil(MESSAGES);
    let messages = messages / conversations;
    let user = TestUser::of(cloud, "reader").await;
    let begun = Instant::now();
    let before = count(cloud).await?;
    let group = json!({"type": "group", "title": "Room", "member_ids": []});
    let fill_room = async |seed: u64| -> Result<String, Failure> {
        let id = user.create_conversation(&group).await;
        fill(cloud, id.parse()?, messages, &mut fastrand::Rng::with_seed(seed)).await?;
        Ok(id)
    };
    let rooms = stream::iter(0..conversations).map(fill_room).buffer_unordered(AT_ONCE);
    let rooms: Vec<String> = rooms.try_collect().await?;
    let mut random = fastrand::Rng::with_seed(conversations);
    let written = begun.elapsed();
    let total = before + conversations * messages;
    wait_until(cloud, total).await?;
    let indexed = begun.elapsed();
    let rate = (total - before) as f64 / indexed.as_secs_f64();
    report.add_text(&format!(
        "{} messages in {conversations} conversations: written in {:.0} s, all in the index after {:.0} s, {rate:.0} a second. The index \
         takes {} MB.",
        total - before,
        written.as_secs_f64(),
        indexed.as_secs_f64(),
        size(cloud).await? / 1_000_000,
    ))?;
    let mut table = Table::new(&["search", "p50 / p99 / max ms"]);
    let mut word = |common: bool| {
        let r = random.f64();
        format!("word{}", (VOCABULARY * if common { r * 0.001 } else { 0.5 + r / 2.0 }) as u32)
    };
    let kinds: [(&str, Vec<String>); 5] = [
        ("a common word", (0..SEARCHES).map(|_| format!("q={}%20", word(true))).collect()),
        ("a rare word", (0..SEARCHES).map(|_| format!("q={}", word(false))).collect()),
        ("a phrase", (0..SEARCHES).map(|_| format!("q=%22{}%20{}%22", word(true), word(true))).collect()),
        ("a beginning, best first", (0..SEARCHES).map(|_| format!("q={}&order=best", &word(false)[..6])).collect()),
        (
            "two words in one conversation",
            (0..SEARCHES)
                .map(|n| format!("q={}%20{}&conversation_id={}", word(true), word(true), rooms[n % rooms.len()]))
                .collect(),
        ),
    ];
    for (kind, searches) in kinds {
        let mut times = Vec::new();
        for parameters in searches {
            let started = Instant::now();
            let (status, page) = user.get(&format!("/v1/search?{parameters}")).await;
            if status != 200 {
                return Err(format!("{status}: {page}").into());
            }
            times.push(started.elapsed());
        }
        table.row([kind.to_owned(), Times::new(times).p50_p99_max()]);
    }
    table.row(["from the answer to a send until it is found".to_owned(), found_after(&user, &rooms[0]).await?]);
    report.table("search", &table)
}

/// Sends messages, one after the other, and searches for each until it is found.
async fn found_after(user: &TestUser, room: &str) -> Result<String, Failure> {
    let mut times = Vec::new();
    for _ in 0..SENT {
        let word = format!("w{}", Uuid::new_v4().simple());
        let message = json!({"client_message_id": Uuid::new_v4(), "text": word});
        let (status, sent) = user.post(&format!("/v1/conversations/{room}/messages"), &message).await;
        if status != 201 {
            return Err(format!("{status}: {sent}").into());
        }
        let started = Instant::now();
        while user.get(&format!("/v1/search?q={word}")).await.1["hits"] == json!([]) {
            if started.elapsed() > MAX_STILL {
                return Err("a message is not found".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        times.push(started.elapsed());
    }
    Ok(Times::new(times).p50_p99_max())
}

/// Writes texts as the log would, but many at once.
async fn fill(
    cloud: &Cloud,
    conversation: ConversationId,
    messages: u64,
    random: &mut fastrand::Rng,
) -> Result<(), Failure> {
    let dynamodb = &aws::dynamodb(&cloud.endpoints.aws.dynamodb);
    let head = aws::log(dynamodb).messages.head(conversation, true).await?.ok_or("a conversation without items")?;
    let mut texts = Vec::new();
    for _ in 0..messages {
        let words: Vec<String> =
            (0..WORDS_PER_TEXT).map(|_| format!("word{}", (VOCABULARY * random.f64().powi(3)) as u32)).collect();
        texts.push(Content::new(words.join(" "), None, vec![]).map_err(|refusal| refusal.message)?);
    }
    append(dynamodb, head, texts).await.map(drop)
}

/// Returns the number of documents.
async fn count(cloud: &Cloud) -> Result<u64, Failure> {
    let url = format!("{}/messages-read/_count", cloud.endpoints.aws.opensearch);
    let answer = local_testing::signed(client().get(url), "aoss").send().await?;
    // There is no index before the first message.
    let answer: Value = answer.json().await?;
    Ok(answer["count"].as_u64().unwrap_or_default())
}

/// Returns the bytes of all indexes.
async fn size(cloud: &Cloud) -> Result<u64, Failure> {
    let url = format!("{}/_cat/indices?format=json&bytes=b", cloud.endpoints.aws.opensearch);
    let rows: Value = local_testing::signed(client().get(url), "aoss").send().await?.json().await?;
    let sizes = rows.as_array().into_iter().flatten().filter_map(|row| row["store.size"].as_str()?.parse::<u64>().ok());
    Ok(sizes.sum())
}

async fn wait_until(cloud: &Cloud, total: u64) -> Result<(), Failure> {
    let (mut most, mut moved) = (0, Instant::now());
    loop {
        let now = count(cloud).await?;
        if now >= total {
            return Ok(());
        }
        if now > most {
            (most, moved) = (now, Instant::now());
        }
        if moved.elapsed() > MAX_STILL {
            return Err(format!("the index has {now} of {total} documents after {} ms", millis(MAX_STILL)).into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
