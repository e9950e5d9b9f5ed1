//! Messages, and the answers to their sends.

use std::time::Duration;

use chat::log::Draft;

use super::writer::{Accepted, Answer};

/// A message and the outcomes of its sends.
pub(crate) struct Sent {
    pub(crate) draft: Draft,
    /// Rounds of concurrent calls.
    pub(crate) rounds: Vec<Vec<Call>>,
    /// True if a refusal counts only as the answer to the newest call of a round: where users join without an item, a later call may rightly
    /// succeed.
    pub(crate) newest_decides: bool,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) answer: Option<Answer>,
}

impl Call {
    /// Returns the time that the answer asks the client to wait.
    #[allow(dead_code, reason = "only the simulation waits")]
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self.answer {
            Some(Answer::Later(wait)) => Some(wait),
            _ => None,
        }
    }
}

/// An invocation for a batch: the index of the first message that it carried, and its answers; `None` if it crashed.
pub(crate) type BatchCall = (usize, Option<Vec<Answer>>);

/// Adds a round of concurrent calls to the messages that they carried.
pub(crate) fn add_round(batch: &mut [Sent], calls: &[BatchCall]) {
    for (index, sent) in batch.iter_mut().enumerate() {
        let carried = calls.iter().filter(|(first, _)| *first <= index);
        let call = |(first, answers): &BatchCall| Call {
            answer: answers.as_ref().and_then(|answers| answers.get(index - first).cloned()),
        };
        let round: Vec<Call> = carried.map(call).collect();
        if !round.is_empty() {
            sent.rounds.push(round);
        }
    }
}

/// Returns true if the whole batch has its seqs.
pub(crate) fn was_accepted(batch: &[Sent]) -> bool {
    batch.iter().all(|sent| sent.accepted().next().is_some())
}

impl Sent {
    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.rounds.iter().flatten()
    }

    /// Returns the calls of the newest round.
    #[allow(dead_code, reason = "only the simulation waits")]
    pub(crate) fn newest_calls(&self) -> impl Iterator<Item = &Call> {
        self.rounds.last().into_iter().flatten()
    }

    /// Returns every answer with a seq for the message.
    pub(crate) fn accepted(&self) -> impl Iterator<Item = &Accepted> {
        self.calls().filter_map(|call| match &call.answer {
            Some(Answer::Accepted(accepted)) => Some(&**accepted),
            _ => None,
        })
    }

    /// Returns the invocations whose refusal of the message counts.
    pub(crate) fn refused(&self) -> impl Iterator<Item = &Call> {
        let calls = self.rounds.iter().flat_map(|round| {
            let first = if self.newest_decides { round.len().saturating_sub(1) } else { 0 };
            &round[first..]
        });
        calls.filter(|call| matches!(call.answer, Some(Answer::NotAMember | Answer::Behind)))
    }

    /// Returns true if any invocation has answered.
    pub(crate) fn is_answered(&self) -> bool {
        self.accepted().next().is_some() || self.refused().next().is_some()
    }
}
