//! Cost of Lambda's polling.
//!
//! Lambda polls SQS in the account's name, and its requests are billed like any other. It has five pollers, or as many as
//! `MaximumConcurrency` allows, and each polls for up to 20 s at a time: that makes the 15 empty receives a minute that are
//! seen on idle queues (<https://github.com/getlift/lift/issues/132>). Under load AWS adds pollers, whose receives return
//! messages and are counted here as such. The local cloud's own polls, which are far more frequent, are not counted.

use local_aws::Meter;
use local_aws::usage::sqs_units;
use rustack_sqs_model::types::Message;
use tokio::time::{Duration, Instant};

const MAX_POLLERS: u32 = 5;

/// Duration of a poll without messages, the most that SQS allows.
const LONG_POLL_WAIT: Duration = Duration::from_secs(20);

/// The most messages that SQS deletes in one request.
const MAX_DELETE_BATCH: usize = 10;

/// The polls of one event source mapping, as AWS would make them.
pub(super) struct Polls {
    meter: Meter,
    queue: String,
    /// Start of each poller's current poll.
    begun: Vec<Instant>,
}

impl Polls {
    pub(super) fn new(meter: Meter, queue: &str, maximum_concurrency: Option<u32>) -> Self {
        let pollers = maximum_concurrency.map_or(MAX_POLLERS, |maximum| maximum.min(MAX_POLLERS));
        Self { meter, queue: queue.to_owned(), begun: vec![Instant::now(); pollers as usize] }
    }

    /// Counts the polls that have ended by now without a message.
    pub(super) fn pass(&mut self, now: Instant) {
        let mut ended = 0;
        for begun in &mut self.begun {
            while now.saturating_duration_since(*begun) >= LONG_POLL_WAIT {
                *begun += LONG_POLL_WAIT;
                ended += 1;
            }
        }
        self.meter.event_source(&self.queue, "ReceiveMessage", ended, ended);
    }

    /// Counts a poll that brought messages: the one that has waited longest ends early.
    pub(super) fn received(&mut self, now: Instant, messages: &[Message]) {
        self.pass(now);
        if let Some(begun) = self.begun.iter_mut().min() {
            *begun = now;
        }
        let units = sqs_units(messages.iter().map(size).sum());
        self.meter.event_source(&self.queue, "ReceiveMessage", 1, units);
    }
}

/// Counts the deletion of messages that a function has done, ten a request.
pub(super) fn deleted(meter: &Meter, queue: &str, messages: usize) {
    let requests = messages.div_ceil(MAX_DELETE_BATCH) as u64;
    meter.event_source(queue, "DeleteMessageBatch", requests, requests);
}

/// A message's body, and names, types and values of its attributes.
fn size(message: &Message) -> usize {
    let attributes = message.message_attributes.iter().map(|(name, attribute)| {
        let text = attribute.string_value.as_ref().map_or(0, String::len);
        let binary = attribute.binary_value.as_ref().map_or(0, Vec::len);
        name.len() + attribute.data_type.len() + text + binary
    });
    message.body.as_ref().map_or(0, String::len) + attributes.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use local_aws::Service;

    use super::*;

    /// Returns requests and units so far.
    fn counts(meter: &Meter, operation: &str) -> (u64, u64) {
        let counts = meter.snapshot().event_sources.remove(&Service::Sqs).unwrap_or_default();
        counts.get(operation).map_or((0, 0), |counts| (counts.requests, counts.units))
    }

    fn receives(polls: &Polls) -> (u64, u64) {
        counts(&polls.meter, "ReceiveMessage")
    }

    #[test]
    fn an_idle_queue_has_fifteen_empty_receives_a_minute() {
        let mut polls = Polls::new(Meter::default(), "work", None);
        let begin = polls.begun[0];
        polls.pass(begin + Duration::from_millis(19_999));
        assert_eq!(receives(&polls), (0, 0));
        polls.pass(begin + Duration::from_secs(20));
        assert_eq!(receives(&polls), (5, 5));
        polls.pass(begin + Duration::from_mins(1));
        assert_eq!(receives(&polls), (15, 15));
    }

    #[test]
    fn little_concurrency_needs_few_pollers() {
        let mut polls = Polls::new(Meter::default(), "work", Some(2));
        polls.pass(polls.begun[0] + Duration::from_mins(1));
        assert_eq!(receives(&polls), (6, 6));
    }

    #[test]
    fn messages_end_a_poll_and_cost_by_their_size() {
        let mut polls = Polls::new(Meter::default(), "work", None);
        let begin = polls.begun[0];
        let message = Message { body: Some("x".repeat(64 * 1024 + 1)), ..Message::default() };
        polls.received(begin + Duration::from_secs(10), &[message]);
        assert_eq!(receives(&polls), (1, 2));
        // One of the five has begun anew ten seconds later.
        polls.pass(begin + Duration::from_secs(20));
        assert_eq!(receives(&polls), (5, 6));
        polls.pass(begin + Duration::from_secs(30));
        assert_eq!(receives(&polls), (6, 7));
    }

    #[test]
    fn ten_messages_are_deleted_at_once() {
        let meter = Meter::default();
        for messages in [0, 1, 10, 11] {
            deleted(&meter, "work", messages);
        }
        assert_eq!(counts(&meter, "DeleteMessageBatch"), (4, 4));
    }
}
