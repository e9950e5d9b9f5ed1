//! Receiving messages, hiding them, and deleting them.

use std::time::Duration;

use rustack_sqs_model::input::{
    ChangeMessageVisibilityBatchInput, ChangeMessageVisibilityInput, DeleteMessageBatchInput, DeleteMessageInput,
    ReceiveMessageInput,
};
use rustack_sqs_model::output::{
    ChangeMessageVisibilityBatchOutput, ChangeMessageVisibilityOutput, DeleteMessageBatchOutput, DeleteMessageOutput,
    ReceiveMessageOutput,
};
use rustack_sqs_model::types::{ChangeMessageVisibilityBatchResultEntry, DeleteMessageBatchResultEntry, Message};
use tokio::time::{Instant, timeout};

use crate::error::{INVALID_VALUE, NOT_IN_FLIGHT};
use crate::handle::Handle;
use crate::limits::{self, MAX_VISIBILITY};
use crate::message::Wanted;
use crate::queue::Found;
use crate::state::Change;
use crate::{Locked, Sqs, SqsError, now};

impl Sqs {
    /// Receives messages, or none after the wait.
    pub async fn receive(&self, input: ReceiveMessageInput) -> Result<ReceiveMessageOutput, SqsError> {
        let begun = Instant::now();
        loop {
            // Before the look, so that a message which it misses by a hair is not waited for.
            let changed = self.changed();
            let (found, wait, next) = self.lock().look(&input)?;
            if found {
                let messages = self.change(|locked| locked.receive(&input)).await?;
                if !messages.is_empty() {
                    return Ok(ReceiveMessageOutput { messages });
                }
            }
            let left = wait.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(ReceiveMessageOutput::default());
            }
            let until_next = next.map(|next| Duration::from_millis(next.saturating_sub(now()).max(1)));
            // Either way it is time to look again.
            let _ = timeout(until_next.map_or(left, |next| next.min(left)), changed).await;
        }
    }

    /// Deletes a message, and returns once that is on the disk. One that is gone is no error.
    pub async fn delete(&self, input: DeleteMessageInput) -> Result<DeleteMessageOutput, SqsError> {
        self.change(|locked| locked.delete(&input.queue_url, &input.receipt_handle)).await?;
        Ok(DeleteMessageOutput {})
    }

    pub(crate) async fn delete_batch(
        &self,
        input: DeleteMessageBatchInput,
    ) -> Result<DeleteMessageBatchOutput, SqsError> {
        self.change(|locked| {
            locked.queue(&input.queue_url)?;
            limits::check_batch("DeleteMessageBatch", input.entries.iter().map(|entry| entry.id.as_str()))?;
            let mut output = DeleteMessageBatchOutput::default();
            for entry in input.entries {
                match locked.delete(&input.queue_url, &entry.receipt_handle) {
                    Ok(()) => output.successful.push(DeleteMessageBatchResultEntry { id: entry.id }),
                    Err(error) => output.failed.push(error.of_entry(entry.id)),
                }
            }
            Ok(output)
        })
        .await
    }

    pub(crate) async fn change_visibility(
        &self,
        input: ChangeMessageVisibilityInput,
    ) -> Result<ChangeMessageVisibilityOutput, SqsError> {
        self.change(|locked| locked.hide(&input.queue_url, &input.receipt_handle, input.visibility_timeout)).await?;
        Ok(ChangeMessageVisibilityOutput {})
    }

    pub(crate) async fn change_visibility_batch(
        &self,
        input: ChangeMessageVisibilityBatchInput,
    ) -> Result<ChangeMessageVisibilityBatchOutput, SqsError> {
        self.change(|locked| {
            locked.queue(&input.queue_url)?;
            limits::check_batch("ChangeMessageVisibilityBatch", input.entries.iter().map(|entry| entry.id.as_str()))?;
            let mut output = ChangeMessageVisibilityBatchOutput::default();
            for entry in input.entries {
                match locked.hide(&input.queue_url, &entry.receipt_handle, entry.visibility_timeout) {
                    Ok(()) => output.successful.push(ChangeMessageVisibilityBatchResultEntry { id: entry.id }),
                    Err(error) => output.failed.push(error.of_entry(entry.id)),
                }
            }
            Ok(output)
        })
        .await
    }
}

impl Locked {
    /// Whether there is something to receive, how long to wait, and when the next message becomes visible.
    fn look(&mut self, input: &ReceiveMessageInput) -> Result<(bool, Duration, Option<u64>), SqsError> {
        let now = now();
        let queue = self.queue(&input.queue_url)?;
        limits::check_receive(input)?;
        queue.pass(now);
        let wait = input.wait_time_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let wait = wait.unwrap_or_else(|| queue.attributes.number("ReceiveMessageWaitTimeSeconds"));
        Ok((!queue.find(1, now).is_empty(), Duration::from_secs(wait), queue.next_change()))
    }

    fn receive(&mut self, input: &ReceiveMessageInput) -> Result<Vec<Message>, SqsError> {
        let now = now();
        let queue = self.queue(&input.queue_url)?;
        queue.pass(now);
        let most = input.max_number_of_messages.and_then(|most| usize::try_from(most).ok()).unwrap_or(1);
        let timeout = input.visibility_timeout.and_then(|seconds| u64::try_from(seconds).ok());
        let until = now + 1000 * timeout.unwrap_or_else(|| queue.attributes.number("VisibilityTimeout"));
        let (name, is_fifo) = (queue.name.clone(), queue.is_fifo);
        let target = queue.attributes.redrive().map(|redrive| redrive.target.clone());
        let found = queue.find(most, now);
        let target = target.and_then(|arn| self.state.queues.values().find(|queue| queue.arn == arn));
        let target = target.map(|queue| queue.name.clone());
        let system = input.message_system_attribute_names.iter().chain(&input.attribute_names);
        let wanted =
            Wanted { system: system.map(String::as_str).collect(), attributes: &input.message_attribute_names };
        let mut messages = Vec::new();
        for found in found {
            let number = match (found, &target) {
                (Found::Dead(number), Some(to)) => {
                    self.apply(Change::Moved { queue: name.clone(), number, to: to.clone(), at: now });
                    continue;
                }
                // A dead-letter queue that does not exist takes nothing.
                (Found::Dead(number), None) | (Found::Received(number), _) => number,
            };
            self.apply(Change::Received { queue: name.clone(), number, at: now, until });
            let queue = self.queue(&input.queue_url)?;
            if let Some(message) = queue.get(number) {
                let handle = Handle { number, receives: message.receives }.write(&name);
                messages.push(message.received(handle, is_fifo, &wanted));
            }
        }
        Ok(messages)
    }

    fn delete(&mut self, url: &str, handle: &str) -> Result<(), SqsError> {
        let now = now();
        let queue = self.queue(url)?;
        let (name, is_fifo) = (queue.name.clone(), queue.is_fifo);
        let Handle { number, receives } = Handle::read(handle, &name)?;
        let Some(message) = queue.get(number) else { return Ok(()) };
        // A standard queue deletes by any handle of the message; a FIFO queue only while the message is the receiver's.
        if is_fifo && (message.receives != receives || !message.is_in_flight(now)) {
            return Err(SqsError::value(handle, "ReceiptHandle", "The receipt handle has expired."));
        }
        self.apply(Change::Deleted { queue: name, number });
        Ok(())
    }

    fn hide(&mut self, url: &str, handle: &str, timeout: i32) -> Result<(), SqsError> {
        let now = now();
        let queue = self.queue(url)?;
        let name = queue.name.clone();
        let Handle { number, .. } = Handle::read(handle, &name)?;
        limits::check_visibility(timeout)?;
        let Some(message) = queue.get(number) else {
            let reason = "Message does not exist or is not available for visibility timeout change.";
            return Err(SqsError::value(handle, "ReceiptHandle", reason));
        };
        if !message.is_in_flight(now) {
            return Err(SqsError::new(NOT_IN_FLIGHT, "The message referred to isn't in flight."));
        }
        let until = now + 1000 * u64::try_from(timeout).unwrap_or_default();
        if until > message.last_received + 1000 * u64::from(MAX_VISIBILITY.unsigned_abs()) {
            let sentence =
                format!("Total VisibilityTimeout for the message is beyond the limit [{MAX_VISIBILITY} seconds]");
            return Err(SqsError::new(INVALID_VALUE, sentence));
        }
        self.apply(Change::Hidden { queue: name, number, until });
        Ok(())
    }
}
