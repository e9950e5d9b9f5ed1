//! Message move tasks: from a dead-letter queue back to the queues that its messages came from, or to another one.
//!
//! A task is over when its request is answered, whatever rate it asks for, so none can be cancelled. The latest ones are
//! known until the process ends.

use rustack_sqs_model::input::{CancelMessageMoveTaskInput, ListMessageMoveTasksInput, StartMessageMoveTaskInput};
use rustack_sqs_model::output::{ListMessageMoveTasksOutput, StartMessageMoveTaskOutput};
use rustack_sqs_model::types::ListMessageMoveTasksResultEntry;
use uuid::Uuid;

use crate::error::{INVALID_VALUE, NO_RESOURCE};
use crate::message::Stored;
use crate::queue::Queue;
use crate::state::Change;
use crate::{Locked, Sqs, SqsError, now};

/// Number of tasks of a queue that SQS lists.
const MAX_LISTED: usize = 10;

/// SQS's word for a message that was sent to the dead-letter queue itself.
const UNKNOWN_SOURCE: &str = "CouldNotDetermineMessageSource";

/// A task that is over.
#[derive(Debug)]
pub(crate) struct MoveTask {
    source: String,
    destination: Option<String>,
    rate: Option<i32>,
    started: u64,
    to_move: usize,
    moved: usize,
    failure: Option<&'static str>,
}

impl Sqs {
    pub(crate) async fn start_move(
        &self,
        input: StartMessageMoveTaskInput,
    ) -> Result<StartMessageMoveTaskOutput, SqsError> {
        self.change(|locked| locked.move_messages(input)).await
    }

    pub(crate) fn moves(&self, input: &ListMessageMoveTasksInput) -> Result<ListMessageMoveTasksOutput, SqsError> {
        let most = input.max_results.unwrap_or(1);
        let most = usize::try_from(most)
            .ok()
            .filter(|most| (1..=MAX_LISTED).contains(most))
            .ok_or_else(|| SqsError::value(most, "MaxResults", "You must enter a number between 1 and 10."))?;
        let locked = self.lock();
        locked.by_arn(&input.source_arn, "SourceArn")?;
        let tasks = locked.moves.iter().rev().filter(|task| task.source == input.source_arn);
        Ok(ListMessageMoveTasksOutput { results: tasks.take(most).map(MoveTask::listed).collect() })
    }

    /// Refuses every task: those that SQS could cancel are running.
    pub(crate) fn cancel_move(_: &CancelMessageMoveTaskInput) -> SqsError {
        SqsError::new(NO_RESOURCE, "Task does not exist.")
    }
}

impl Locked {
    fn by_arn(&self, arn: &str, parameter: &str) -> Result<&Queue, SqsError> {
        if arn.is_empty() {
            return Err(SqsError::missing(parameter));
        }
        self.state.queues.values().find(|queue| queue.arn == arn).ok_or_else(|| {
            let sentence = format!("The resource that you specified for the {parameter} parameter doesn't exist.");
            SqsError::new(NO_RESOURCE, sentence)
        })
    }

    fn move_messages(&mut self, input: StartMessageMoveTaskInput) -> Result<StartMessageMoveTaskOutput, SqsError> {
        let now = now();
        let StartMessageMoveTaskInput { source_arn, destination_arn, max_number_of_messages_per_second: rate } = input;
        if let Some(rate) = rate.filter(|rate| !(1..=500).contains(rate)) {
            let reason = "You must enter a number between 1 and 500.";
            return Err(SqsError::value(rate, "MaxNumberOfMessagesPerSecond", reason));
        }
        let source = self.by_arn(&source_arn, "SourceArn")?.name.clone();
        let redrives = |queue: &Queue| queue.attributes.redrive().is_some_and(|redrive| redrive.target == source_arn);
        if !self.state.queues.values().any(redrives) {
            return Err(SqsError::new(INVALID_VALUE, "Source queue must be configured as a Dead Letter Queue."));
        }
        if let Some(destination) = &destination_arn {
            self.by_arn(destination, "DestinationArn")?;
        }
        let mut waiting = Vec::new();
        if let Some(queue) = self.state.queues.get_mut(&source) {
            queue.pass(now);
            // Somebody else has those in flight.
            waiting.extend(queue.messages().filter(|message| message.hidden_until <= now).cloned());
        }
        let mut task = MoveTask {
            source: source_arn,
            destination: destination_arn,
            rate,
            started: now,
            to_move: waiting.len(),
            moved: 0,
            failure: None,
        };
        for message in waiting {
            let to = task.destination.as_ref().or(message.moved_from.as_ref());
            let Some(to) = to.and_then(|arn| self.by_arn(arn, "DestinationArn").ok()).map(|queue| queue.name.clone())
            else {
                task.failure = Some(UNKNOWN_SOURCE);
                break;
            };
            self.redrive(&source, message, to, now);
            task.moved += 1;
        }
        self.moves.push(task);
        Ok(StartMessageMoveTaskOutput { task_handle: Some(Uuid::new_v4().to_string()) })
    }

    /// Puts a message into a queue as a new one: with another id, not received yet, and for the whole retention.
    fn redrive(&mut self, from: &str, message: Stored, to: String, now: u64) {
        let (old, number) = (message.number, self.state.number());
        let message = Stored {
            id: Uuid::new_v4(),
            number,
            sent: now,
            hidden_until: now,
            receives: 0,
            first_received: 0,
            last_received: 0,
            moved_from: None,
            ..message
        };
        self.apply(Change::Sent { queue: to, message });
        self.apply(Change::Deleted { queue: from.to_owned(), number: old });
    }
}

impl MoveTask {
    fn listed(&self) -> ListMessageMoveTasksResultEntry {
        let count = |number: usize| i64::try_from(number).ok();
        ListMessageMoveTasksResultEntry {
            // Only a running task has one.
            task_handle: None,
            source_arn: Some(self.source.clone()),
            destination_arn: self.destination.clone(),
            max_number_of_messages_per_second: self.rate,
            approximate_number_of_messages_moved: count(self.moved),
            approximate_number_of_messages_to_move: count(self.to_move),
            failure_reason: self.failure.map(str::to_owned),
            status: Some(if self.failure.is_some() { "FAILED" } else { "COMPLETED" }.to_owned()),
            started_timestamp: i64::try_from(self.started).ok(),
        }
    }
}
