//! Senders at some rate, and the messages that the others receive.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Failure;
use super::connection::{MemberConnection, Number, Received};
use super::times::Times;

/// Time to wait for messages that were sent and not received.
const WAIT_TIMEOUT: Duration = Duration::from_secs(15);

/// The rate of sending.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// So many messages a second, of all senders together, taking turns, whether they are answered or not.
    PerSecond(f64),
    /// So many messages unanswered at any time, of each sender.
    Unanswered(usize),
    /// One frame after the other of each sender, with so many messages each.
    Batches(u32),
}

/// Connections that send and receive, and connections that only receive.
#[derive(Debug)]
pub(crate) struct Participants {
    pub(crate) senders: Vec<MemberConnection>,
    pub(crate) recipients: Vec<MemberConnection>,
    /// Number of connections that receive each message.
    pub(crate) recipients_per_message: usize,
}

/// Outcome of a load run: accepted and refused messages, and their times.
#[derive(Debug, Default)]
pub(crate) struct LoadResult {
    /// Messages that were accepted.
    pub(crate) accepted: usize,
    /// The others, by code.
    pub(crate) refused: BTreeMap<String, usize>,
    /// From sending a message to its answer.
    pub(crate) replies: Times,
    /// From sending to receiving, over all recipients.
    pub(crate) deliveries: Times,
    /// Number of deliveries that did not arrive.
    pub(crate) missing: usize,
    /// From the first send to the last answer.
    pub(crate) took: Duration,
}

impl LoadResult {
    /// Accepted messages a second.
    pub(crate) fn rate(&self) -> f64 {
        self.accepted as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }
}

/// The state of one connection.
#[derive(Default)]
struct ConnectionLog {
    sent: Vec<(Number, Instant)>,
    answered: Vec<(Number, Instant, Result<u64, String>)>,
    received: Vec<(Number, Instant)>,
}

/// Events that connections report while they send.
#[derive(Clone, Default)]
struct Progress {
    active_senders: Arc<AtomicUsize>,
    accepted: Arc<AtomicUsize>,
    received: Arc<AtomicUsize>,
    over: CancellationToken,
}

impl Participants {
    /// Sends for so long, then waits until everything is received.
    pub(crate) async fn run(&mut self, pace: Pace, time: Duration) -> Result<LoadResult, Failure> {
        let begun = Instant::now();
        let count = self.senders.len();
        let progress = Progress { active_senders: Arc::new(count.into()), ..Progress::default() };
        let mut tasks = JoinSet::new();
        for (turn, connection) in self.senders.drain(..).enumerate() {
            let plan = Plan { pace, begun, turn, senders: count, end: begun + time, sent: 0 };
            tasks.spawn(participate(connection, Some(plan), progress.clone()));
        }
        for connection in self.recipients.drain(..) {
            tasks.spawn(participate(connection, None, progress.clone()));
        }
        let deadline = begun + time + WAIT_TIMEOUT;
        let all_received = || {
            let expected = progress.accepted.load(Ordering::Relaxed) * self.recipients_per_message;
            progress.active_senders.load(Ordering::Relaxed) == 0
                && progress.received.load(Ordering::Relaxed) >= expected
        };
        while !all_received() && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
        progress.over.cancel();
        let mut logs = Vec::new();
        while let Some(joined) = tasks.join_next().await {
            let (connection, log, is_sender) = joined??;
            if is_sender { &mut self.senders } else { &mut self.recipients }.push(connection);
            logs.push(log);
        }
        Ok(sum(&logs, self.recipients_per_message))
    }
}

fn sum(logs: &[ConnectionLog], recipients_per_message: usize) -> LoadResult {
    let sent: HashMap<Number, Instant> = logs.iter().flat_map(|log| log.sent.iter().copied()).collect();
    let since = |number: &Number, at: &Instant| sent.get(number).map(|&sent| *at - sent);
    let mut result = LoadResult::default();
    let mut replies = Vec::new();
    for (number, at, answer) in logs.iter().flat_map(|log| &log.answered) {
        match answer {
            Ok(_) => result.accepted += 1,
            Err(code) => *result.refused.entry(code.clone()).or_default() += 1,
        }
        replies.extend(since(number, at));
    }
    let received = logs.iter().flat_map(|log| &log.received);
    let deliveries: Vec<_> = received.filter_map(|(number, at)| since(number, at)).collect();
    result.missing = (result.accepted * recipients_per_message).saturating_sub(deliveries.len());
    let last = logs.iter().flat_map(|log| &log.answered).map(|(_, at, _)| *at).max();
    result.took = sent.values().min().zip(last).map_or(Duration::ZERO, |(&first, last)| last - first);
    (result.replies, result.deliveries) = (Times::new(replies), Times::new(deliveries));
    result
}

/// The schedule of one sender.
struct Plan {
    pace: Pace,
    begun: Instant,
    turn: usize,
    senders: usize,
    end: Instant,
    sent: usize,
}

impl Plan {
    /// Returns the time of the next message with so many unanswered; `None` before an answer has arrived.
    fn next(&self, unanswered: usize) -> Option<Instant> {
        match self.pace {
            Pace::PerSecond(rate) => {
                let turn = (self.sent * self.senders + self.turn) as f64;
                Some(self.begun + Duration::from_secs_f64(turn / rate))
            }
            Pace::Unanswered(most) => (unanswered < most).then(Instant::now),
            Pace::Batches(_) => (unanswered == 0).then(Instant::now),
        }
    }

    /// Returns the number of messages in a frame.
    fn batch(&self) -> u32 {
        match self.pace {
            Pace::PerSecond(_) | Pace::Unanswered(_) => 1,
            Pace::Batches(size) => size,
        }
    }
}

/// Receives until the load is over, and sends as planned. Also returns whether this was a sender.
async fn participate(
    mut connection: MemberConnection,
    plan: Option<Plan>,
    progress: Progress,
) -> Result<(MemberConnection, ConnectionLog, bool), Failure> {
    let is_sender = plan.is_some();
    let (mut plan, mut log, mut seen) = (plan, ConnectionLog::default(), HashSet::new());
    loop {
        let unanswered = log.sent.len() - log.answered.len();
        let due = plan.as_ref().and_then(|plan| plan.next(unanswered));
        if let Some(Plan { end, .. }) = plan
            && due.map_or(Instant::now() >= end, |due| due >= end)
            && unanswered == 0
        {
            plan = None;
            progress.active_senders.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let due = due.filter(|due| plan.as_ref().is_some_and(|plan| *due < plan.end));
        tokio::select! {
            biased;
            () = progress.over.cancelled() => return Ok((connection, log, is_sender)),
            event = connection.receive() => match event? {
                Received::Texts(numbers) => {
                    let at = Instant::now();
                    for number in numbers {
                        // A fan-out notifies the sender too, and a push may arrive twice.
                        if !connection.is_sender_of(number) && seen.insert(number) {
                            log.received.push((number, at));
                            progress.received.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
                Received::Answers(answers) => {
                    let at = Instant::now();
                    for (number, answer) in answers {
                        progress.accepted.fetch_add(usize::from(answer.is_ok()), Ordering::Relaxed);
                        log.answered.push((number, at, answer));
                    }
                }
                Received::Other => {}
            },
            () = at(due) => {
                let (numbers, begun) = connection.send_texts(plan.as_ref().map_or(1, Plan::batch)).await?;
                log.sent.extend(numbers.into_iter().map(|number| (number, begun)));
                if let Some(plan) = &mut plan {
                    plan.sent += 1;
                }
            }
        }
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
