//! Frames that clients send, except `send`, which is in [`super::send`].
//!
//! A frame is a JSON object with an `action`, by which API Gateway finds the function, and an optional `id`, which the answer
//! repeats as `reply_to`. Fields that are not named here are ignored: a client cannot set its sender or time.

use serde::{Deserialize, Serialize};

use crate::receipt::MAX_RECEIPTS;
use crate::{ApiError, ConversationId, ErrorCode, Receipt, ReceiptKind, Seq, Timestamp, UserId};

/// Longest `id` of a frame, in bytes: it is echoed, so it is bounded.
pub const MAX_FRAME_ID_BYTES: usize = 128;

/// `{"action":"ack", …}` and `{"action":"read", …}`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReceiptsRequest {
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_RECEIPTS)))]
    pub receipts: Vec<ReceiptEntry>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TypingRequest {
    pub conversation_id: ConversationId,
    /// True while the user is typing.
    pub typing: bool,
}

/// `{"action":"open", …}` and `{"action":"close", …}`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SubscribeRequest {
    pub conversation_id: ConversationId,
}

/// A conversation and the seq up to which the receipt applies.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReceiptEntry {
    pub conversation_id: ConversationId,
    /// Last seq that the receipt covers.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub seq: Seq,
}

impl ReceiptsRequest {
    /// Returns the checked receipts of `user_id` with the time `at`.
    pub fn check(self, kind: ReceiptKind, user_id: UserId, at: Timestamp) -> Result<Vec<Receipt>, ApiError> {
        if self.receipts.is_empty() {
            return Err(ApiError::invalid("`receipts` must not be empty."));
        }
        if self.receipts.len() > MAX_RECEIPTS {
            return Err(ApiError::new(
                ErrorCode::TooManyReceipts,
                format!("A frame can have at most {MAX_RECEIPTS} receipts."),
            ));
        }
        if self.receipts.iter().any(|entry| entry.seq == Seq::ZERO || entry.seq > Seq::MAX) {
            return Err(ApiError::invalid("`seq` is not a valid seq."));
        }
        let receipt = |ReceiptEntry { conversation_id, seq }| Receipt { kind, conversation_id, user_id, seq, at };
        Ok(self.receipts.into_iter().map(receipt).collect())
    }
}
