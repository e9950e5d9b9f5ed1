//! Messages that mention a user, over all conversations.

use std::fmt;
use std::str::FromStr;

use crate::{ConversationId, Message, MessageKind, Seq, Timestamp, UserId};

/// The position of a message in the list of a user's mentions, which is in the order of time.
///
/// Its text sorts as it does: it is the sort key of what is stored, and the cursor of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MentionPosition {
    /// Time of the message, whenever it came to mention the user.
    pub sent_at: Timestamp,
    pub conversation_id: ConversationId,
    pub seq: Seq,
}

impl MentionPosition {
    /// Returns the position of a message.
    pub fn of(message: &Message) -> Self {
        Self { sent_at: message.sent_at, conversation_id: message.conversation_id, seq: message.seq }
    }

    /// Returns the position before all of a time.
    pub fn first_at(sent_at: Timestamp) -> Self {
        Self { sent_at, conversation_id: ConversationId(uuid::Uuid::nil()), seq: Seq::ZERO }
    }
}

/// Returns true for a text that mentions the user.
pub fn is_mentioned(user: UserId, message: &Message) -> bool {
    matches!(&message.kind, MessageKind::Text(content) if content.mentions.contains(&user))
}

/// Not a position in a list of mentions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this list")]
pub struct InvalidPosition;

impl fmt::Display for MentionPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As many digits as the greatest of them.
        write!(f, "{:015}_{}_{:016}", self.sent_at.epoch_millis(), self.conversation_id, self.seq.0)
    }
}

impl FromStr for MentionPosition {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let mut parts = text.splitn(3, '_');
        let mut part = || parts.next().ok_or(InvalidPosition);
        let (millis, conversation_id, seq) = (part()?, part()?, part()?);
        let millis = millis.parse().map_err(|_| InvalidPosition)?;
        let position = Self {
            sent_at: Timestamp::of_epoch_millis(millis).map_err(|_| InvalidPosition)?,
            conversation_id: conversation_id.parse().map_err(|_| InvalidPosition)?,
            seq: Seq(seq.parse().map_err(|_| InvalidPosition)?),
        };
        // Any other spelling would sort elsewhere.
        if position.to_string() == text { Ok(position) } else { Err(InvalidPosition) }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn position(millis: i64, conversation: u128, seq: u64) -> MentionPosition {
        MentionPosition {
            sent_at: Timestamp::from_epoch_millis(millis),
            conversation_id: ConversationId(Uuid::from_u128(conversation)),
            seq: Seq(seq),
        }
    }

    #[test]
    fn texts_sort_as_positions_do() {
        let sorted = [
            MentionPosition::first_at(Timestamp::from_epoch_millis(9)),
            position(9, 0, 1),
            position(9, 1, 9),
            position(9, 1, 10),
            position(9, u128::MAX, 1),
            position(10, 0, 1),
            position(1_764_000_000_123, 2, 1),
            MentionPosition { sent_at: Timestamp::MAX, ..position(0, 2, Seq::MAX.0) },
        ];
        assert!(sorted.is_sorted() && sorted.iter().map(ToString::to_string).is_sorted());
        for position in sorted {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        let text = position(1_764_000_000_123, 2, 7).to_string();
        let others =
            [text.replacen("00", "0", 1), text.to_uppercase() + "0", format!("+{text}"), text.replace('_', "-")];
        for text in others.iter().map(String::as_str).chain(["", "_", "__", "1_2_3"]) {
            assert_eq!(text.parse::<MentionPosition>(), Err(InvalidPosition), "{text:?}");
        }
    }
}
