//! Frames that clients send.
//!
//! A frame is a JSON object with an `action`, by which API Gateway finds the function, and an optional `id`, which the answer
//! repeats as `reply_to`. Fields that are not named here are ignored: a client cannot set its sender or time.

use serde::{Deserialize, Serialize};

use super::or_default;
use crate::file::MAX_ATTACHMENTS;
use crate::receipt::MAX_RECEIPTS;
use crate::{
    ApiError, ClientMessageId, Content, ConversationId, ErrorCode, FileId, Receipt, ReceiptKind, Seq, Timestamp, UserId,
};

/// `{"action":"send", …}`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "SendFields")]
pub struct SendRequest {
    pub conversation_id: ConversationId,
    #[serde(flatten)]
    pub draft: DraftRequest,
}

/// The fields of [`SendRequest`] in one struct: serde loses the place of an error in a flattened one.
#[derive(Deserialize)]
struct SendFields {
    conversation_id: ConversationId,
    client_message_id: ClientMessageId,
    after_seq: Option<Seq>,
    #[serde(default, deserialize_with = "or_default")]
    text: String,
    reply_to_seq: Option<Seq>,
    #[serde(default, deserialize_with = "or_default")]
    mentions: Vec<UserId>,
    #[serde(default, deserialize_with = "or_default")]
    attachment_ids: Vec<FileId>,
}

impl From<SendFields> for SendRequest {
    fn from(fields: SendFields) -> Self {
        let SendFields { conversation_id, client_message_id, after_seq, text, reply_to_seq, mentions, attachment_ids } =
            fields;
        let draft = DraftRequest { client_message_id, after_seq, text, reply_to_seq, mentions, attachment_ids };
        Self { conversation_id, draft }
    }
}

/// A message as a client sends it, over WebSocket and HTTP alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DraftRequest {
    /// The same on every resend of the same message.
    pub client_message_id: ClientMessageId,
    /// The last seq that the client has seen, the same on every resend. Without it a send is at-least-once.
    pub after_seq: Option<Seq>,
    /// See [`Content::text`]. It may be absent if there are attachments.
    #[serde(default, deserialize_with = "or_default")]
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to_seq: Option<Seq>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Ready files of the sender, uploaded to this conversation: at most [`MAX_ATTACHMENTS`].
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub attachment_ids: Vec<FileId>,
}

/// A message to send, checked against every limit.
#[derive(Debug)]
pub struct CheckedDraft {
    pub client_message_id: ClientMessageId,
    pub after_seq: Option<Seq>,
    /// The content, without the files.
    pub content: Content,
    pub attachment_ids: Vec<FileId>,
}

impl DraftRequest {
    pub fn check(self) -> Result<CheckedDraft, ApiError> {
        let Self { client_message_id, after_seq, text, reply_to_seq, mentions, attachment_ids } = self;
        if attachment_ids.len() > MAX_ATTACHMENTS {
            let message = format!("A message can have at most {MAX_ATTACHMENTS} attachments.");
            return Err(ApiError::new(ErrorCode::TooManyAttachments, message));
        }
        if attachment_ids.iter().enumerate().any(|(n, file)| attachment_ids[..n].contains(file)) {
            return Err(ApiError::invalid("`attachment_ids` has the same file twice."));
        }
        if after_seq.is_some_and(|seq| seq > Seq::MAX) {
            return Err(ApiError::invalid("`after_seq` is not a valid seq."));
        }
        let content = if attachment_ids.is_empty() { Content::new } else { Content::caption };
        let content = content(text, reply_to_seq, mentions)?;
        Ok(CheckedDraft { client_message_id, after_seq, content, attachment_ids })
    }
}

/// `{"action":"ack", …}` and `{"action":"read", …}`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReceiptsRequest {
    pub receipts: Vec<ReceiptEntry>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TypingRequest {
    pub conversation_id: ConversationId,
    /// True while the user is typing.
    pub typing: bool,
}

/// `{"action":"open", …}` and `{"action":"close", …}`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubscribeRequest {
    pub conversation_id: ConversationId,
}

/// A conversation and the seq up to which the receipt applies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReceiptEntry {
    pub conversation_id: ConversationId,
    /// Last seq that the receipt covers.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sender_and_time_of_a_client_are_ignored() {
        let frame = r#"{"action":"send","conversation_id":"00000000-0000-0000-0000-000000000001","client_message_id":
            "00000000-0000-0000-0000-000000000002","after_seq":1,"text":"hi","sender_id":"x","sent_at":"y"}"#;
        let request: SendRequest = serde_json::from_str(frame).unwrap();
        let draft = request.draft.check().unwrap();
        assert_eq!((draft.after_seq, draft.content.text.as_str()), (Some(Seq(1)), "hi"));
    }

    #[test]
    fn empty_text_needs_attachments_and_attachments_are_bounded() {
        let draft = |files: &[FileId]| {
            let attachment_ids = files.to_vec();
            let client_message_id = ClientMessageId(uuid::Uuid::nil());
            let (text, mentions) = (String::new(), Vec::new());
            let draft =
                DraftRequest { client_message_id, after_seq: None, text, reply_to_seq: None, mentions, attachment_ids };
            draft.check().map(|draft| draft.attachment_ids.len()).map_err(|error| error.code)
        };
        let files: Vec<FileId> = (0..=MAX_ATTACHMENTS).map(|_| FileId::generate()).collect();
        assert_eq!(draft(&[]), Err(ErrorCode::InvalidRequest));
        assert_eq!(draft(&files[1..]), Ok(MAX_ATTACHMENTS));
        assert_eq!(draft(&files), Err(ErrorCode::TooManyAttachments));
        assert_eq!(draft(&[files[0], files[0]]), Err(ErrorCode::InvalidRequest));
    }
}
