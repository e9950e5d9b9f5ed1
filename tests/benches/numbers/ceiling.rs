//! The capacity of one conversation in which everybody sends at once, and a check that no message is lost.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::period::SeqRange;
use domain::{ConversationId, Seq};
use end_to_end::{Cloud, TestUser, aws};
use serde_json::json;
use store::dynamodb::messages::{LogItem, Order};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Failure;
use super::participants::Group;
use super::plot::Plot;
use super::report::Report;
use super::table::Table;
use super::times::Times;

const SENDERS: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// The outcome of one sender.
#[derive(Default)]
struct Sent {
    accepted: Vec<(Uuid, u64)>,
    refused: BTreeMap<String, usize>,
    times: Vec<Duration>,
}

/// Over HTTP and without connections, so that the log is measured and not the pushes.
pub(crate) async fn run(cloud: &Cloud, time: Duration, report: &mut Report) -> Result<(), Failure> {
    let most = SENDERS.into_iter().max().unwrap_or_default();
    let group = Group::new(cloud, most, most).await?;
    let mut table = Table::new(&["one conversation", "accepted/s", "refused/s", "reply p50 / p99 ms"]);
    let (mut accepted, mut lines) = (HashMap::new(), [Vec::new(), Vec::new()]);
    let head = Arc::new(AtomicU64::new(1));
    for senders in SENDERS {
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        for user in group.users.iter().take(senders).cloned() {
            tasks.spawn(send_until(user, group.conversation.clone(), Arc::clone(&head), begun + time));
        }
        let (mut count_accepted, mut refused, mut times) = (0, BTreeMap::<String, usize>::new(), Vec::new());
        for sent in tasks.join_all().await {
            count_accepted += sent.accepted.len();
            accepted.extend(sent.accepted);
            times.extend(sent.times);
            sent.refused.into_iter().for_each(|(code, count)| *refused.entry(code).or_default() += count);
        }
        let rate = |count: usize| count as f64 / begun.elapsed().as_secs_f64();
        let rates = [rate(count_accepted), rate(refused.values().sum())];
        let refusals: Vec<_> = refused.iter().map(|(code, &count)| format!("{:.1} {code}", rate(count))).collect();
        let refusals = if refusals.is_empty() { "0".to_owned() } else { refusals.join(", ") };
        let name = format!("{senders} senders at once");
        table.row([name, format!("{:.0}", rates[0]), refusals, Times::new(times).p50_p99()]);
        lines.iter_mut().zip(rates).for_each(|(line, rate)| line.push((senders as f64, rate)));
    }
    report.table("ceiling", &table)?;
    let lines = ["accepted", "refused"].map(str::to_owned).into_iter().zip(lines).collect();
    let title = "One conversation, everybody at once";
    report.plot("ceiling", &Plot { title, x: "senders", y: "messages/s", logarithmic: false, lines })?;
    report.add_text(&check(cloud, group.conversation.parse()?, &accepted).await?)
}

/// Sends one message after the other. `head` is the newest seq that anybody has seen, as if all had received everything at
/// once.
async fn send_until(user: TestUser, conversation: String, head: Arc<AtomicU64>, end: Instant) -> Sent {
    let (path, mut sent) = (format!("/v1/conversations/{conversation}/messages"), Sent::default());
    while Instant::now() < end {
        let id = Uuid::new_v4();
        let draft = json!({"client_message_id": id, "after_seq": head.load(Ordering::Relaxed), "text": "All at once!"});
        let begun = Instant::now();
        let (_, answer) = user.post(&path, &draft).await;
        sent.times.push(begun.elapsed());
        if let Some(seq) = answer["seq"].as_u64() {
            head.fetch_max(seq, Ordering::Relaxed);
            sent.accepted.push((id, seq));
        } else {
            *sent.refused.entry(answer["code"].as_str().unwrap_or("no code").to_owned()).or_default() += 1;
        }
    }
    sent
}

/// Reads the whole log: no hole, and all that was accepted at the place that was promised.
async fn check(cloud: &Cloud, conversation: ConversationId, accepted: &HashMap<Uuid, u64>) -> Result<String, Failure> {
    let log = aws::log(&aws::dynamodb(&cloud.endpoints.aws.dynamodb));
    let range = SeqRange { first: Seq(1), last: Seq::MAX };
    let items = log.messages.read(conversation, range, Order::Ascending, usize::MAX, true).await?;
    if let Some((expected, item)) = (1..).zip(&items).find(|(expected, item)| item.seq.0 != *expected) {
        return Err(format!("a hole in the log: seq {} instead of {expected}", item.seq).into());
    }
    let seq_of = |item: &LogItem| Some((item.client_message_id?.0, item.seq.0));
    let seqs: HashMap<Uuid, u64> = items.iter().filter_map(seq_of).collect();
    if let Some((id, seq)) = accepted.iter().find(|(id, seq)| seqs.get(id) != Some(seq)) {
        return Err(format!("lost: {id} was accepted at {seq}, and is at {:?}", seqs.get(id)).into());
    }
    let (count, last) = (accepted.len(), items.len());
    Ok(format!(
        "All {count} accepted messages have the seq that their senders received; the log is 1 to {last} without a hole."
    ))
}
