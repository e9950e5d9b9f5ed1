//! Operations on messages, and their outcomes.

use std::time::Duration;

use client::ApiError;
use domain::{ConversationId, Seq, UserId};
use rand::RngExt;
use rand::rngs::StdRng;
use uuid::Uuid;

use crate::users::SimulatedUser;

const EMOJI: [&str; 3] = ["👍", "🎉", "🦀"];

/// Attempts until the outcome of a request is known.
const ATTEMPTS: u32 = 8;

const RETRY_DELAY: Duration = Duration::from_millis(100);

/// A change of a log by a user.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// The text follows from the sender and a number, see [`text`].
    Sent {
        seq: Seq,
        number: Uuid,
    },
    Edited {
        seq: Seq,
        text: String,
    },
    Deleted {
        seq: Seq,
    },
    Reacted {
        seq: Seq,
        emoji: &'static str,
        on: bool,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Completed {
    pub(crate) conversation: ConversationId,
    pub(crate) actor: UserId,
    pub(crate) operation: Operation,
    pub(crate) outcome: Outcome,
}

/// Returns a text that no other message has.
pub(crate) fn text(sender: UserId, number: Uuid) -> String {
    format!("{sender} {number}")
}

/// The outcome that a user received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Applied,
    Refused,
    /// Neither, or nothing at the first try and a refusal later.
    Unknown,
}

impl Operation {
    /// Returns the seq of the message that was sent or changed.
    pub(crate) const fn seq(&self) -> Seq {
        match self {
            Self::Sent { seq, .. } | Self::Edited { seq, .. } | Self::Deleted { seq } | Self::Reacted { seq, .. } => {
                *seq
            }
        }
    }

    /// Chooses an operation on one of the user's own texts, or on one of another user; mostly none.
    pub(crate) fn choose(choice: &mut StdRng, own: &[Seq], others: &[Seq], user: UserId) -> Option<Self> {
        let mut one_of = |texts: &[Seq]| (!texts.is_empty()).then(|| texts[choice.random_range(0..texts.len())]);
        let (own, other) = (one_of(own), one_of(others));
        match choice.random_range(0..20) {
            0..4 => Some(Self::Edited { seq: own?, text: format!("{user} edited {}", Uuid::new_v4()) }),
            4 => Some(Self::Deleted { seq: own? }),
            5..10 => {
                let emoji = EMOJI[choice.random_range(0..EMOJI.len())];
                Some(Self::Reacted { seq: other?, emoji, on: choice.random_bool(0.7) })
            }
            _ => None,
        }
    }
}

impl SimulatedUser {
    /// Repeats an operation until its outcome is known. Each one requests a state, so repeating it has no further effect.
    pub(crate) async fn execute(&self, conversation: ConversationId, operation: Operation) -> Completed {
        let mut outcome = Outcome::Refused;
        for _ in 0..ATTEMPTS {
            let response = match &operation {
                Operation::Sent { .. } => unreachable!("texts are sent by the client"),
                Operation::Edited { seq, text } => self.api.edit(conversation, *seq, text).await,
                Operation::Deleted { seq } => self.api.delete(conversation, *seq).await,
                Operation::Reacted { seq, emoji, on } => self.api.react(conversation, *seq, emoji, *on).await,
            };
            match response {
                Ok(()) => {
                    outcome = Outcome::Applied;
                    break;
                }
                Err(error) if error.is_uncertain() => outcome = Outcome::Unknown,
                // Missing, deleted, or not allowed.
                Err(ApiError::Refused { status: 403 | 404 | 409 | 410, .. }) => break,
                Err(error) => panic!("an operation of {} failed: {error}", self.id),
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
        Completed { conversation, actor: self.id, operation, outcome }
    }
}
