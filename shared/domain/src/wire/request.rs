//! What clients say.
//!
//! A frame is a JSON object with an `action`, by which API Gateway finds the function, and an optional `id`, which the
//! answer repeats as `reply_to`. Fields that are not named here are ignored: a client cannot set its sender or time.

use serde::Deserialize;

use crate::receipt::MAX_RECEIPTS;
use crate::{
    ApiError, ClientMessageId, Content, ConversationId, ErrorCode, Receipt, ReceiptKind, Seq, Timestamp, UserId,
};

/// `{"action":"send", …}`
#[derive(Debug, Deserialize)]
pub struct SendRequest {
    /// Where to.
    pub conversation_id: ConversationId,
    /// What to say.
    #[serde(flatten)]
    pub draft: DraftRequest,
}

/// What a client gives of a message, over WebSocket and HTTP alike.
#[derive(Debug, Deserialize)]
pub struct DraftRequest {
    /// The same on every resend of the same message.
    pub client_message_id: ClientMessageId,
    /// The last seq that the client has seen, the same on every resend. Without it a send is at-least-once.
    pub after_seq: Option<Seq>,
    /// See [`Content::text`].
    pub text: String,
    /// See [`Content::reply_to_seq`].
    #[serde(default)]
    pub reply_to_seq: Option<Seq>,
    /// See [`Content::mentions`].
    #[serde(default)]
    pub mentions: Vec<UserId>,
    /// Ids of files.
    #[serde(default)]
    pub attachment_ids: Vec<uuid::Uuid>,
}

impl DraftRequest {
    /// The content, with every limit checked, and the place from which to look for duplicates.
    pub fn check(self) -> Result<(ClientMessageId, Option<Seq>, Content), ApiError> {
        if !self.attachment_ids.is_empty() {
            return Err(ApiError::new(ErrorCode::AttachmentsUnavailable, "Attachments are not available."));
        }
        if self.after_seq.is_some_and(|seq| seq > Seq::MAX) {
            return Err(ApiError::invalid("`after_seq` is not a seq."));
        }
        let content = Content::new(self.text, self.reply_to_seq, self.mentions)?;
        Ok((self.client_message_id, self.after_seq, content))
    }
}

/// `{"action":"ack", …}` and `{"action":"read", …}`
#[derive(Debug, Deserialize)]
pub struct ReceiptsRequest {
    /// At most [`MAX_RECEIPTS`].
    pub receipts: Vec<ReceiptEntry>,
}

/// `{"action":"typing", …}`
#[derive(Debug, Deserialize)]
pub struct TypingRequest {
    /// Where.
    pub conversation_id: ConversationId,
    /// Whether the user is writing.
    pub typing: bool,
}

/// `{"action":"open", …}` and `{"action":"close", …}`
#[derive(Debug, Deserialize)]
pub struct LookRequest {
    /// At what.
    pub conversation_id: ConversationId,
}

/// Everything in a conversation up to a place.
#[derive(Debug, Deserialize)]
pub struct ReceiptEntry {
    /// Where.
    pub conversation_id: ConversationId,
    /// Up to which place.
    pub seq: Seq,
}

impl ReceiptsRequest {
    /// The receipts that `user_id` gives at `at`.
    pub fn check(self, kind: ReceiptKind, user_id: UserId, at: Timestamp) -> Result<Vec<Receipt>, ApiError> {
        if self.receipts.is_empty() {
            return Err(ApiError::invalid("`receipts` must not be empty."));
        }
        if self.receipts.len() > MAX_RECEIPTS {
            return Err(ApiError::new(
                ErrorCode::TooManyReceipts,
                format!("A frame holds at most {MAX_RECEIPTS} receipts."),
            ));
        }
        if self.receipts.iter().any(|entry| entry.seq == Seq::ZERO || entry.seq > Seq::MAX) {
            return Err(ApiError::invalid("`seq` is not the seq of a message."));
        }
        let receipt = |ReceiptEntry { conversation_id, seq }| Receipt { kind, conversation_id, user_id, seq, at };
        Ok(self.receipts.into_iter().map(receipt).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_says_of_sender_and_time_is_ignored() {
        let frame = r#"{"action":"send","conversation_id":"00000000-0000-0000-0000-000000000001","client_message_id":
            "00000000-0000-0000-0000-000000000002","after_seq":1,"text":"hi","sender_id":"x","sent_at":"y"}"#;
        let request: SendRequest = serde_json::from_str(frame).unwrap();
        let (_, after_seq, content) = request.draft.check().unwrap();
        assert_eq!((after_seq, content.text.as_str()), (Some(Seq(1)), "hi"));
    }
}
