//! One lane of a mapping: a batch at a time, in order, until it is done or given up.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dynoxide::DynoxideError;
use local_aws::back_off::BackOff;
use local_dynamodb::stream::{Change, Stream};
use local_lambda::{InvokeError, MAX_PAYLOAD_BYTES, Outcome};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::batch::{Batch, ENVELOPE_BYTES, RETENTION};
use super::discarded::{Reason, notice};
use super::mapping::Mapping;
use super::position::Positions;
use super::response::{Verdict, verdict};

/// An unknown write is found after so many intervals: one that did not pass the gate.
const QUIET_INTERVALS: u32 = 10;
/// The wait after a stream that could not be read.
const READ_RETRY_DELAY: Duration = Duration::from_secs(1);

/// The records of a stream whose keys fall to this lane.
pub(super) struct Lane {
    pub(super) number: usize,
    pub(super) count: u64,
    pub(super) mapping: Arc<Mapping>,
    pub(super) stream: Stream,
    pub(super) positions: Arc<Positions>,
    pub(super) shutdown: CancellationToken,
}

/// Outcome of an invocation for its batch.
enum Ended {
    Done,
    /// The function reports this record and all after it.
    FailedFrom(usize),
    FunctionError,
    /// Throttled, or nothing that a retry counts for.
    NotRun,
}

impl Lane {
    pub(super) async fn run(self) {
        let mut reader = Reader::new(&self).await;
        while let Some(read) = self.shutdown.run_until_cancelled(reader.next()).await {
            match read {
                Ok(batch) => {
                    if self.process(batch).await.is_none() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(mapping = self.mapping.event.logical_id, %error, "cannot read the stream");
                    // `None`, the shutdown, ends the loop at its head.
                    self.shutdown.run_until_cancelled(tokio::time::sleep(READ_RETRY_DELAY)).await;
                }
            }
        }
    }

    /// Returns true if the function, and this lane, handle the change.
    pub(super) fn wants(&self, change: &Change) -> bool {
        usize::try_from(change.lane % self.count).is_ok_and(|number| number == self.number)
            && self.mapping.event.filter.matches(&change.record)
    }

    /// Invokes the function until all of the batch is done or given up. `None`: stopped before.
    async fn process(&self, batch: Batch) -> Option<()> {
        let event = &self.mapping.event;
        let age = event.maximum_record_age.unwrap_or(RETENTION).min(RETENTION);
        // The next is the last.
        let mut parts = vec![batch];
        let mut back_off = BackOff::default();
        while let Some(mut part) = parts.pop() {
            let expired = part.take_expired(age);
            self.discard(expired, Reason::RecordAgeExceeded).await;
            if part.changes.is_empty() {
                continue;
            }
            let ended = self.invoke(&part).await?;
            match ended {
                Ended::Done => {
                    self.done(&part).await;
                    back_off = BackOff::default();
                    continue;
                }
                Ended::FailedFrom(place @ 1..) => {
                    self.done(&part.take_before(place)).await;
                    part.failures = 0;
                    back_off = BackOff::default();
                    if event.bisect_batch_on_function_error {
                        // The batch was split there, which counts as no retry.
                        parts.push(part);
                        continue;
                    }
                }
                Ended::FailedFrom(_) | Ended::FunctionError => {
                    if event.bisect_batch_on_function_error && part.changes.len() > 1 {
                        let half = part.take_before(part.changes.len().div_ceil(2));
                        parts.extend([part, half]);
                        continue;
                    }
                }
                Ended::NotRun => {
                    parts.push(part);
                    self.shutdown.run_until_cancelled(tokio::time::sleep(back_off.wait())).await?;
                    continue;
                }
            }
            part.failures += 1;
            if event.maximum_retry_attempts.is_some_and(|most| part.failures > most) {
                let function_error = matches!(ended, Ended::FunctionError);
                self.discard(part, Reason::RetryAttemptsExhausted { function_error }).await;
                continue;
            }
            parts.push(part);
            self.shutdown.run_until_cancelled(tokio::time::sleep(back_off.wait())).await?;
        }
        Some(())
    }

    /// `None`: the local cloud is stopping.
    async fn invoke(&self, batch: &Batch) -> Option<Ended> {
        let Mapping { lambda, function, event, .. } = &*self.mapping;
        let outcome = lambda.invoke(&function.logical_id, Bytes::from(batch.event())).await;
        Some(match outcome {
            Ok(Outcome::Success(_)) if !event.report_batch_item_failures => Ended::Done,
            Ok(Outcome::Success(response)) => {
                let numbers = batch.changes.iter().map(|change| change.sequence_number.as_str());
                match verdict(&response, numbers) {
                    Verdict::Done => Ended::Done,
                    Verdict::FailedFrom(place) => Ended::FailedFrom(place),
                }
            }
            // Its error object is in the function's log.
            Ok(Outcome::FunctionError(_)) => Ended::FunctionError,
            Err(InvokeError::Throttled | InvokeError::Unavailable(_)) => Ended::NotRun,
            Err(InvokeError::Stopping) => return None,
            Err(error @ (InvokeError::NotFound(_) | InvokeError::Recursive | InvokeError::TooLarge)) => {
                tracing::error!(function = function.logical_id, %error, "cannot invoke");
                Ended::NotRun
            }
        })
    }

    async fn done(&self, batch: &Batch) {
        if let Some(number) = batch.last() {
            self.positions.save(self.number, number).await;
        }
    }

    /// Discards the changes, and sends their position to the destination.
    async fn discard(&self, batch: Batch, reason: Reason) {
        let Mapping { event, function, on_failure, .. } = &*self.mapping;
        let Some(notice) = notice(&batch, &reason, function, event, &self.stream.shard) else {
            return;
        };
        let count = batch.changes.len();
        tracing::warn!(mapping = event.logical_id, count, reason = reason.name(), "changes are discarded");
        if let Some((sqs, url)) = on_failure
            && let Err(error) = sqs.send_text(url, notice.to_string()).await
        {
            tracing::error!(mapping = event.logical_id, %error, "cannot report discarded changes to the destination");
        }
        self.done(&batch).await;
    }
}

/// The position of a lane in the stream, ahead of its finished records.
struct Reader<'a> {
    lane: &'a Lane,
    after: Option<String>,
    written: watch::Receiver<()>,
}

impl<'a> Reader<'a> {
    async fn new(lane: &'a Lane) -> Self {
        let written = lane.mapping.tables.written();
        Self { lane, after: lane.positions.of(lane.number).await, written }
    }

    /// The next batch: what there is or, with a batching window, what comes until it ends, the batch is full or the event
    /// has 6 MiB.
    async fn next(&mut self) -> Result<Batch, DynoxideError> {
        let event = &self.lane.mapping.event;
        let mut batch = Batch::default();
        let mut size = ENVELOPE_BYTES;
        let mut begun = None;
        loop {
            let room = event.batch_size - batch.changes.len();
            self.written.mark_unchanged();
            let read = self.lane.stream.after(self.after.as_deref(), room).await?;
            for change in read.changes.into_iter().filter(|change| self.lane.wants(change)) {
                size += change.record.to_string().len() + 1;
                if size > MAX_PAYLOAD_BYTES && !batch.changes.is_empty() {
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
            match left {
                Some(left) => tokio::time::sleep(left.min(self.lane.mapping.poll_interval)).await,
                None => self.sleep().await,
            }
        }
    }

    /// Sleeps through the polls that would find nothing, since nobody has written.
    async fn sleep(&mut self) {
        let interval = self.lane.mapping.poll_interval;
        let begun = Instant::now();
        // Either way it is time to look again; the sender lives as long as the tables.
        let _ = tokio::time::timeout(interval * QUIET_INTERVALS, self.written.changed()).await;
        let polls = begun.elapsed().as_nanos() / interval.as_nanos().max(1) + 1;
        tokio::time::sleep_until(begun + interval * u32::try_from(polls).unwrap_or(QUIET_INTERVALS)).await;
    }
}
