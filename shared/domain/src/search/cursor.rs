//! The position at which a search for messages goes on.

use std::fmt;
use std::str::FromStr;

use super::SearchOrder;
use crate::{ConversationId, Timestamp};

/// The position of a hit among all hits. Times within a conversation differ, so two hits have the same position in no order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchCursor {
    /// How well the hit matches; `None` in the order by time.
    pub score: Option<f64>,
    pub sent_at: Timestamp,
    pub conversation_id: ConversationId,
}

impl SearchCursor {
    /// Returns the order in which the cursor is a position.
    pub fn order(&self) -> SearchOrder {
        if self.score.is_some() { SearchOrder::Best } else { SearchOrder::Newest }
    }
}

/// Not a cursor of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this list")]
pub struct InvalidCursor;

impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (millis, conversation_id) = (self.sent_at.epoch_millis(), self.conversation_id);
        match self.score {
            Some(score) => write!(f, "{score}_{millis}_{conversation_id}"),
            None => write!(f, "{millis}_{conversation_id}"),
        }
    }
}

impl FromStr for SearchCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let mut parts = text.rsplit('_');
        let conversation_id = parts.next().and_then(|id| id.parse().ok()).ok_or(InvalidCursor)?;
        let millis = parts.next().and_then(|millis| millis.parse().ok()).ok_or(InvalidCursor)?;
        let sent_at = Timestamp::of_epoch_millis(millis).map_err(|_| InvalidCursor)?;
        let score = match parts.next() {
            Some(score) => Some(score.parse().ok().filter(|score: &f64| score.is_finite()).ok_or(InvalidCursor)?),
            None => None,
        };
        if parts.next().is_some() { Err(InvalidCursor) } else { Ok(Self { score, sent_at, conversation_id }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_the_way_to_a_client_and_back() {
        for score in [None, Some(0.0), Some(1.234_567_8), Some(f64::from(0.1_f32)), Some(1e-9)] {
            let cursor = SearchCursor {
                score,
                sent_at: Timestamp::from_epoch_millis(1_764_000_000_123),
                conversation_id: ConversationId::generate(),
            };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in [
            "",
            "_",
            "1_2",
            "x_1_6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e",
            "nan_1_6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e",
            "1_1_1_6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e",
            "-1_6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e",
        ] {
            assert_eq!(text.parse::<SearchCursor>(), Err(InvalidCursor), "{text:?}");
        }
    }
}
