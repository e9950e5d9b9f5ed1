//! Senders at some rate, and the messages that the others receive.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Failure;
use super::line::{Heard, Line, Number};
use super::times::Times;

/// Time to wait for messages that were sent and not received.
const WAIT_TIMEOUT: Duration = Duration::from_secs(15);

/// The rate of sending.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// So many messages a second, of all talkers together, taking turns, whether they are answered or not.
    PerSecond(f64),
    /// So many messages unanswered at any time, of each talker.
    Unanswered(usize),
}

/// Some who talk, and some who only listen.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) talkers: Vec<Line>,
    pub(crate) recipients: Vec<Line>,
    /// Number of connections that receive each message.
    pub(crate) hearers: usize,
}

/// Outcome of a load run: accepted and refused messages, and their times.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    /// Messages that got a place.
    pub(crate) accepted: usize,
    /// The others, by code.
    pub(crate) refused: BTreeMap<String, usize>,
    /// From saying it to its place.
    pub(crate) replies: Times,
    /// From sending to receiving, over all recipients.
    pub(crate) deliveries: Times,
    /// Number of deliveries that did not arrive.
    pub(crate) missing: usize,
    /// From the first word to the last answer.
    pub(crate) took: Duration,
}

impl Talk {
    /// Accepted messages a second.
    pub(crate) fn rate(&self) -> f64 {
        self.accepted as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }
}

/// The state of one connection.
#[derive(Default)]
struct Log {
    said: Vec<(Number, Instant)>,
    answered: Vec<(Number, Instant, Result<u64, String>)>,
    heard: Vec<(Number, Instant)>,
}

/// Events that connections report while they send.
#[derive(Clone, Default)]
struct Progress {
    talking: Arc<AtomicUsize>,
    accepted: Arc<AtomicUsize>,
    heard: Arc<AtomicUsize>,
    over: CancellationToken,
}

impl Room {
    /// Sends for so long, then waits until everything is received.
    pub(crate) async fn talk(&mut self, pace: Pace, time: Duration) -> Result<Talk, Failure> {
        let begun = Instant::now();
        let count = self.talkers.len();
        let progress = Progress { talking: Arc::new(count.into()), ..Progress::default() };
        let mut attending = JoinSet::new();
        for (turn, line) in self.talkers.drain(..).enumerate() {
            let plan = Plan { pace, begun, turn, talkers: count, end: begun + time, said: 0 };
            attending.spawn(attend(line, Some(plan), progress.clone()));
        }
        for line in self.recipients.drain(..) {
            attending.spawn(attend(line, None, progress.clone()));
        }
        let deadline = begun + time + WAIT_TIMEOUT;
        let all_heard = || {
            let expected = progress.accepted.load(Ordering::Relaxed) * self.hearers;
            progress.talking.load(Ordering::Relaxed) == 0 && progress.heard.load(Ordering::Relaxed) >= expected
        };
        while !all_heard() && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
        progress.over.cancel();
        let mut logs = Vec::new();
        while let Some(joined) = attending.join_next().await {
            let (line, log, talks) = joined??;
            if talks { &mut self.talkers } else { &mut self.recipients }.push(line);
            logs.push(log);
        }
        Ok(sum(&logs, self.hearers))
    }
}

fn sum(logs: &[Log], hearers: usize) -> Talk {
    let said: HashMap<Number, Instant> = logs.iter().flat_map(|log| log.said.iter().copied()).collect();
    let since = |number: &Number, at: &Instant| said.get(number).map(|&said| *at - said);
    let mut talk = Talk::default();
    let mut replies = Vec::new();
    for (number, at, answer) in logs.iter().flat_map(|log| &log.answered) {
        match answer {
            Ok(_) => talk.accepted += 1,
            Err(code) => *talk.refused.entry(code.clone()).or_default() += 1,
        }
        replies.extend(since(number, at));
    }
    let heard = logs.iter().flat_map(|log| &log.heard);
    let deliveries: Vec<_> = heard.filter_map(|(number, at)| since(number, at)).collect();
    talk.missing = (talk.accepted * hearers).saturating_sub(deliveries.len());
    let last = logs.iter().flat_map(|log| &log.answered).map(|(_, at, _)| *at).max();
    talk.took = said.values().min().zip(last).map_or(Duration::ZERO, |(&first, last)| last - first);
    (talk.replies, talk.deliveries) = (Times::new(replies), Times::new(deliveries));
    talk
}

/// The schedule of one sender.
struct Plan {
    pace: Pace,
    begun: Instant,
    turn: usize,
    talkers: usize,
    end: Instant,
    said: usize,
}

impl Plan {
    /// Returns the time of the next message with so many unanswered; `None` before an answer has arrived.
    fn next(&self, unanswered: usize) -> Option<Instant> {
        match self.pace {
            Pace::PerSecond(rate) => {
                let turn = (self.said * self.talkers + self.turn) as f64;
                Some(self.begun + Duration::from_secs_f64(turn / rate))
            }
            Pace::Unanswered(most) => (unanswered < most).then(Instant::now),
        }
    }
}

/// Listens until it is over, and talks as planned. Says whether this was a talker.
async fn attend(mut line: Line, plan: Option<Plan>, progress: Progress) -> Result<(Line, Log, bool), Failure> {
    let talks = plan.is_some();
    let (mut plan, mut log, mut heard) = (plan, Log::default(), HashSet::new());
    loop {
        let unanswered = log.said.len() - log.answered.len();
        let due = plan.as_ref().and_then(|plan| plan.next(unanswered));
        if let Some(Plan { end, .. }) = plan
            && due.map_or(Instant::now() >= end, |due| due >= end)
            && unanswered == 0
        {
            plan = None;
            progress.talking.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let due = due.filter(|due| plan.as_ref().is_some_and(|plan| *due < plan.end));
        tokio::select! {
            biased;
            () = progress.over.cancelled() => return Ok((line, log, talks)),
            came = line.hear() => match came? {
                Heard::Texts(numbers) => {
                    let at = Instant::now();
                    for number in numbers {
                        // A fan-out notifies the sender too, and a push may arrive twice.
                        if !line.is_of(number) && heard.insert(number) {
                            log.heard.push((number, at));
                            progress.heard.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
                Heard::Answer(number, answer) => {
                    progress.accepted.fetch_add(usize::from(answer.is_ok()), Ordering::Relaxed);
                    log.answered.push((number, Instant::now(), answer));
                }
                Heard::Other => {}
            },
            () = at(due) => {
                log.said.push(line.say().await?);
                if let Some(plan) = &mut plan {
                    plan.said += 1;
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
