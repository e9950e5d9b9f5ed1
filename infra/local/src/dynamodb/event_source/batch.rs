//! Gathers changes into batches.

use std::time::{Duration, SystemTime};

use dynoxide::DynoxideError;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::lane::Lane;
use crate::dynamodb::stream::Change;
use crate::lambda::MAX_PAYLOAD;

const FRAME: usize = 14;
/// Time for which DynamoDB keeps the records of a stream.
pub(super) const RETENTION: Duration = Duration::from_hours(24);

/// Changes that go into one invocation, in the order of the stream. Never empty but before the first and after the last.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) changes: Vec<Change>,
    /// Number of failed invocations with it.
    pub(super) failures: u32,
}

impl Batch {
    /// The event, as JSON.
    pub(super) fn event(&self) -> String {
        let records: Vec<&Value> = self.changes.iter().map(|change| &change.record).collect();
        json!({ "Records": records }).to_string()
    }

    /// Takes out the changes before that place.
    pub(super) fn take_before(&mut self, place: usize) -> Self {
        let rest = self.changes.split_off(place);
        Self { changes: std::mem::replace(&mut self.changes, rest), failures: self.failures }
    }

    /// Takes out the oldest changes, as far as they are too old.
    pub(super) fn take_expired(&mut self, age: Duration) -> Self {
        let is_expired = |change: &Change| SystemTime::now().duration_since(change.written).is_ok_and(|old| old > age);
        let fresh = self.changes.iter().position(|change| !is_expired(change));
        self.take_before(fresh.unwrap_or(self.changes.len()))
    }

    /// Sequence number of the last change.
    pub(super) fn last(&self) -> Option<&str> {
        self.changes.last().map(|change| change.sequence_number.as_str())
    }
}

/// The position of a lane in the stream, ahead of its finished records.
pub(super) struct Reader<'a> {
    lane: &'a Lane,
    after: Option<String>,
}

impl<'a> Reader<'a> {
    pub(super) async fn new(lane: &'a Lane) -> Self {
        Self { lane, after: lane.positions.of(lane.number).await }
    }

    /// The next batch: what there is or, with a batching window, what comes until it ends, the batch is full or the event
    /// has 6 MiB.
    pub(super) async fn next(&mut self) -> Result<Batch, DynoxideError> {
        let event = &self.lane.mapping.event;
        let mut batch = Batch::default();
        let mut size = FRAME;
        let mut begun = None;
        loop {
            let room = event.batch_size - batch.changes.len();
            let read = self.lane.stream.after(self.after.as_deref(), room).await?;
            for change in read.changes.into_iter().filter(|change| self.lane.wants(change)) {
                size += change.record.to_string().len() + 1;
                if size > MAX_PAYLOAD && !batch.changes.is_empty() {
                    return Ok(batch);
                }
                begun.get_or_insert_with(Instant::now);
                self.after = Some(change.sequence_number.clone());
                batch.changes.push(change);
            }
            self.after = read.through.or_else(|| self.after.take());
            if batch.changes.len() >= event.batch_size {
                return Ok(batch);
            }
            if read.more {
                continue;
            }
            let left = begun.map(|begun| event.batching_window.saturating_sub(begun.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(batch);
            }
            let interval = self.lane.mapping.poll_interval;
            tokio::time::sleep(left.map_or(interval, |left| left.min(interval))).await;
        }
    }
}
