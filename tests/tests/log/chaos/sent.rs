//! Messages, and the answers to their sends.

use chat::log::Draft;

use super::writer::{Accepted, Answer};

/// A message and the outcomes of its sends.
pub(crate) struct Sent {
    pub(crate) draft: Draft,
    /// Rounds of concurrent calls.
    pub(crate) rounds: Vec<Vec<Call>>,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) answer: Option<Answer>,
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

    /// Returns every answer with a seq for the message.
    pub(crate) fn accepted(&self) -> impl Iterator<Item = &Accepted> {
        self.calls().filter_map(|call| match &call.answer {
            Some(Answer::Accepted(accepted)) => Some(&**accepted),
            _ => None,
        })
    }

    /// Returns the invocations that refused the message.
    pub(crate) fn refused(&self) -> impl Iterator<Item = &Call> {
        self.calls().filter(|call| matches!(call.answer, Some(Answer::NotAMember | Answer::Behind)))
    }

    /// Returns true if any invocation has answered.
    pub(crate) fn is_answered(&self) -> bool {
        self.accepted().next().is_some() || self.refused().next().is_some()
    }
}
