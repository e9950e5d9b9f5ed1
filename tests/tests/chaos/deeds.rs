//! Operations on messages, and their outcomes.

use std::time::Duration;

use client::ApiError;
use domain::{ConversationId, Seq, UserId};
use rand::RngExt;
use rand::rngs::StdRng;
use uuid::Uuid;

use crate::people::Chatter;

const EMOJI: [&str; 3] = ["👍", "🎉", "🦀"];

/// Attempts until the outcome of a request is known.
const ATTEMPTS: u32 = 8;

const RETRY_DELAY: Duration = Duration::from_millis(100);

/// Something that changes a log.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Said { seq: Seq, text: String },
    Edited { seq: Seq, text: String },
    Deleted { seq: Seq },
    Reacted { seq: Seq, emoji: &'static str, on: bool },
}

#[derive(Clone, Debug)]
pub(crate) struct Done {
    pub(crate) conversation: ConversationId,
    pub(crate) actor: UserId,
    pub(crate) deed: Deed,
    pub(crate) outcome: Outcome,
}

/// The outcome that a user received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Refused,
    /// Neither, or nothing at the first try and a refusal later.
    Unknown,
}

impl Deed {
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

impl Chatter {
    /// Asks for it until it is known whether it is done: each of these wants a state, so that asking twice is asking once.
    pub(crate) async fn carry_out(&self, conversation: ConversationId, deed: Deed) -> Done {
        let mut outcome = Outcome::Refused;
        for _ in 0..ATTEMPTS {
            let asked = match &deed {
                Deed::Said { .. } => unreachable!("this is sent, not asked for"),
                Deed::Edited { seq, text } => self.api.edit(conversation, *seq, text).await,
                Deed::Deleted { seq } => self.api.delete(conversation, *seq).await,
                Deed::Reacted { seq, emoji, on } => self.api.react(conversation, *seq, emoji, *on).await,
            };
            match asked {
                Ok(()) => {
                    outcome = Outcome::Done;
                    break;
                }
                Err(error) if error.is_uncertain() => outcome = Outcome::Unknown,
                // Not there, no text any more, or not for them.
                Err(ApiError::Refused { status: 403 | 404 | 409 | 410, .. }) => break,
                Err(error) => panic!("{} may do this: {error}", self.user),
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
        Done { conversation, actor: self.user, deed, outcome }
    }
}
