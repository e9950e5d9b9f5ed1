//! The frame `send` and the body of `POST /v1/conversations/{id}/messages`: one message, or a batch.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::or_default;
use crate::file::MAX_ATTACHMENTS;
use crate::{ApiError, ClientMessageId, Content, ConversationId, Custom, ErrorCode, FileId, Seq, UserId};

/// Most messages of one send.
pub const MAX_BATCH_MESSAGES: usize = 25;

/// Frame `{"action":"send", …}`, with one message or a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "SendFields")]
#[cfg_attr(feature = "schema", schemars(!from))]
pub struct SendRequest {
    pub conversation_id: ConversationId,
    #[serde(flatten)]
    pub body: SendBody,
}

/// The fields of [`SendRequest`] in one struct: serde loses the place of an error in a flattened one.
#[derive(Deserialize)]
struct SendFields {
    conversation_id: ConversationId,
    after_seq: Option<Seq>,
    messages: Option<Vec<DraftRequest>>,
    client_message_id: Option<ClientMessageId>,
    text: Option<String>,
    reply_to_seq: Option<Seq>,
    mentions: Option<Vec<UserId>>,
    attachment_ids: Option<Vec<FileId>>,
    custom: Option<Custom>,
}

impl From<SendFields> for SendRequest {
    fn from(fields: SendFields) -> Self {
        let SendFields {
            conversation_id,
            after_seq,
            messages,
            client_message_id,
            text,
            reply_to_seq,
            mentions,
            attachment_ids,
            custom,
        } = fields;
        let body =
            SendBody { after_seq, messages, client_message_id, text, reply_to_seq, mentions, attachment_ids, custom };
        Self { conversation_id, body }
    }
}

/// The messages to send to a conversation, over WebSocket and HTTP alike: one with its own fields, or a batch in `messages`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(extend("anyOf" = [{ "required": ["client_message_id"] }, { "required": ["messages"] }]))
)]
pub struct SendBody {
    /// The last seq that the client has seen, the same on every resend. Without it a send is at-least-once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_seq: Option<Seq>,
    /// A batch: 1 to [`MAX_BATCH_MESSAGES`] messages, which get their seqs in this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_BATCH_MESSAGES)))]
    pub messages: Option<Vec<DraftRequest>>,
    /// See [`DraftRequest::client_message_id`], and so on: the fields of one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<ClientMessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::message::MAX_TEXT_BYTES)))]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to_seq: Option<Seq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::message::MAX_MENTIONS)))]
    pub mentions: Option<Vec<UserId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_ATTACHMENTS)))]
    pub attachment_ids: Option<Vec<FileId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<Custom>,
}

/// Messages to send, checked against every limit.
#[derive(Debug)]
pub enum CheckedSend {
    One(CheckedDraft),
    Batch(Vec<CheckedDraft>),
}

impl SendBody {
    /// Checks every message. An error in a batch names the message: `messages[3].text`.
    pub fn check(self) -> Result<CheckedSend, ApiError> {
        let of_one = self.field_of_one();
        let Self { after_seq, messages, client_message_id, text, reply_to_seq, mentions, attachment_ids, custom } =
            self;
        let Some(messages) = messages else {
            let missing = || ApiError::invalid("The field `client_message_id` is missing.");
            let draft = DraftRequest {
                client_message_id: client_message_id.ok_or_else(missing)?,
                after_seq,
                text: text.unwrap_or_default(),
                reply_to_seq,
                mentions: mentions.unwrap_or_default(),
                attachment_ids: attachment_ids.unwrap_or_default(),
                custom,
            };
            return draft.check().map(CheckedSend::One);
        };
        if let Some(field) = of_one {
            return Err(ApiError::invalid(format!(
                "`{field}` belongs to one message: leave it out beside `messages`."
            )));
        }
        check_batch(after_seq, messages).map(CheckedSend::Batch)
    }

    /// Returns the name of a field that is present and belongs to the form with one message.
    fn field_of_one(&self) -> Option<&'static str> {
        let fields = [
            ("client_message_id", self.client_message_id.is_some()),
            ("text", self.text.is_some()),
            ("reply_to_seq", self.reply_to_seq.is_some()),
            ("mentions", self.mentions.is_some()),
            ("attachment_ids", self.attachment_ids.is_some()),
            ("custom", self.custom.is_some()),
        ];
        fields.into_iter().find(|(_, present)| *present).map(|(name, _)| name)
    }
}

/// Checks a batch, whose messages have one `after_seq` in common.
fn check_batch(after_seq: Option<Seq>, messages: Vec<DraftRequest>) -> Result<Vec<CheckedDraft>, ApiError> {
    if messages.is_empty() {
        return Err(ApiError::invalid("`messages` must not be empty."));
    }
    if messages.len() > MAX_BATCH_MESSAGES {
        let message = format!("`messages` can have at most {MAX_BATCH_MESSAGES} messages.");
        return Err(ApiError::new(ErrorCode::TooManyMessages, message));
    }
    let mut ids = HashSet::new();
    let check = |(index, message): (usize, DraftRequest)| {
        let checked = if message.after_seq.is_some() {
            Err(ApiError::invalid("`after_seq` belongs beside `messages`: it is the same for the whole batch."))
        } else if !ids.insert(message.client_message_id) {
            Err(ApiError::invalid("`client_message_id` is that of an earlier message of the batch."))
        } else {
            DraftRequest { after_seq, ..message }.check()
        };
        checked.map_err(|error| error.in_element("messages", index))
    };
    messages.into_iter().enumerate().map(check).collect()
}

/// A message as a client sends it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DraftRequest {
    /// The same on every resend of the same message.
    pub client_message_id: ClientMessageId,
    /// That of [`SendBody::after_seq`]; absent in a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_seq: Option<Seq>,
    /// See [`Content::text`]. It may be absent if there are attachments.
    #[serde(default, deserialize_with = "or_default")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::message::MAX_TEXT_BYTES)))]
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to_seq: Option<Seq>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::message::MAX_MENTIONS)))]
    pub mentions: Vec<UserId>,
    /// Ready files of the sender, uploaded to this conversation: at most [`MAX_ATTACHMENTS`].
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_ATTACHMENTS)))]
    pub attachment_ids: Vec<FileId>,
    /// What the app adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Custom>,
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
        let Self { client_message_id, after_seq, text, reply_to_seq, mentions, attachment_ids, custom } = self;
        if attachment_ids.len() > MAX_ATTACHMENTS {
            let message = format!("`attachment_ids` can have at most {MAX_ATTACHMENTS} files.");
            return Err(ApiError::new(ErrorCode::TooManyAttachments, message));
        }
        if attachment_ids.iter().enumerate().any(|(n, file)| attachment_ids[..n].contains(file)) {
            return Err(ApiError::invalid("`attachment_ids` has the same file twice."));
        }
        if after_seq.is_some_and(|seq| seq > Seq::MAX) {
            return Err(ApiError::invalid("`after_seq` is not a valid seq."));
        }
        let content = if attachment_ids.is_empty() { Content::new } else { Content::caption };
        let content = content(text, reply_to_seq, mentions)?.with_custom(custom)?;
        Ok(CheckedDraft { client_message_id, after_seq, content, attachment_ids })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::read::Json;

    #[test]
    fn sender_and_time_of_a_client_are_ignored() {
        let frame = r#"{"action":"send","conversation_id":"00000000-0000-0000-0000-000000000001","client_message_id":
            "00000000-0000-0000-0000-000000000002","after_seq":1,"text":"hi","sender_id":"x","sent_at":"y"}"#;
        let request: SendRequest = serde_json::from_str(frame).unwrap();
        let CheckedSend::One(draft) = request.body.check().unwrap() else { panic!("one message") };
        assert_eq!((draft.after_seq, draft.content.text.as_str()), (Some(Seq(1)), "hi"));
    }

    #[test]
    fn empty_text_needs_attachments_and_attachments_are_bounded() {
        let draft = |files: &[FileId]| {
            let attachment_ids = files.to_vec();
            let client_message_id = ClientMessageId(uuid::Uuid::nil());
            let (text, mentions) = (String::new(), Vec::new());
            let draft = DraftRequest {
                client_message_id,
                after_seq: None,
                text,
                reply_to_seq: None,
                mentions,
                attachment_ids,
                custom: None,
            };
            draft.check().map(|draft| draft.attachment_ids.len()).map_err(|error| error.code)
        };
        let files: Vec<FileId> = (0..=MAX_ATTACHMENTS).map(|_| FileId::generate()).collect();
        assert_eq!(draft(&[]), Err(ErrorCode::InvalidRequest));
        assert_eq!(draft(&files[1..]), Ok(MAX_ATTACHMENTS));
        assert_eq!(draft(&files), Err(ErrorCode::TooManyAttachments));
        assert_eq!(draft(&[files[0], files[0]]), Err(ErrorCode::InvalidRequest));
    }

    #[test]
    fn each_malformed_batch_is_refused_and_named() {
        let id = |n: u32| json!(uuid::Uuid::from_u128(n.into()));
        let message = |n: u32, more: Value| {
            let mut message = json!({"client_message_id": id(n), "text": "hi"});
            message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            message
        };
        let plain = |n: u32| message(n, json!({}));
        let third = |more: Value| json!({"after_seq": 1, "messages": [plain(1), plain(2), message(3, more)]});
        let long = "x".repeat(crate::message::MAX_TEXT_BYTES + 1);
        let users: Vec<UserId> = (0..51).map(|n| UserId(uuid::Uuid::from_u128(n))).collect();
        for (body, code, detail) in [
            (json!({"messages": []}), ErrorCode::InvalidRequest, "`messages` must not be empty."),
            (
                json!({"messages": (0..26).map(plain).collect::<Vec<_>>()}),
                ErrorCode::TooManyMessages,
                "`messages` can have at most 25 messages.",
            ),
            (
                json!({"messages": [plain(1)], "client_message_id": id(2)}),
                ErrorCode::InvalidRequest,
                "`client_message_id` belongs to one message: leave it out beside `messages`.",
            ),
            (
                json!({"messages": [plain(1)], "text": ""}),
                ErrorCode::InvalidRequest,
                "`text` belongs to one message: leave it out beside `messages`.",
            ),
            (
                json!({"messages": [plain(1), plain(2), plain(1)]}),
                ErrorCode::InvalidRequest,
                "`messages[2].client_message_id` is that of an earlier message of the batch.",
            ),
            (
                third(json!({"after_seq": 1})),
                ErrorCode::InvalidRequest,
                "`messages[2].after_seq` belongs beside `messages`: it is the same for the whole batch.",
            ),
            (
                third(json!({"text": " "})),
                ErrorCode::InvalidRequest,
                "`messages[2].text` must have a visible character.",
            ),
            (
                third(json!({"text": long})),
                ErrorCode::TextTooLarge,
                "`messages[2].text` has 8193 bytes; the limit is 8192.",
            ),
            (
                third(json!({"mentions": users})),
                ErrorCode::TooManyMentions,
                "`messages[2].mentions` can have at most 50 users.",
            ),
            (
                third(json!({"reply_to_seq": 0})),
                ErrorCode::InvalidRequest,
                "`messages[2].reply_to_seq` is not a valid seq.",
            ),
            (
                third(json!({"attachment_ids": [id(1), id(1)]})),
                ErrorCode::InvalidRequest,
                "`messages[2].attachment_ids` has the same file twice.",
            ),
            (third(json!({"custom": []})), ErrorCode::InvalidRequest, "`messages[2].custom` must be an object."),
            (
                third(json!({"custom": {"a": "x".repeat(4096)}})),
                ErrorCode::CustomTooLarge,
                "`messages[2].custom` has 4104 bytes; the limit is 4096.",
            ),
            (third(json!({"text": 7})), ErrorCode::InvalidRequest, "`messages[2].text` must be a string."),
            (
                third(json!({"client_message_id": "x"})),
                ErrorCode::InvalidUuid,
                "`messages[2].client_message_id` is not a UUID.",
            ),
            (
                json!({"messages": [{"text": "hi"}]}),
                ErrorCode::InvalidRequest,
                "The field `messages[0].client_message_id` is missing.",
            ),
            (json!({"messages": {}}), ErrorCode::InvalidRequest, "`messages` must be an array."),
            (json!({"text": "hi"}), ErrorCode::InvalidRequest, "The field `client_message_id` is missing."),
        ] {
            let refusal = |read: Result<SendBody, ApiError>| read.and_then(SendBody::check).expect_err(detail);
            let http = refusal(Json::parse(&body.to_string()).unwrap().read());
            assert_eq!((http.code, http.message.as_str()), (code, detail));
            let mut frame = body;
            frame["conversation_id"] = id(0);
            let request = Json::parse(&frame.to_string()).unwrap().read::<SendRequest>();
            assert_eq!(refusal(request.map(|request| request.body)).message, detail);
        }
    }

    #[test]
    fn batch_of_25_is_accepted_with_one_after_seq() {
        let messages: Vec<Value> = (0..25)
            .map(|n| json!({"client_message_id": uuid::Uuid::from_u128(n), "text": "hi", "sent_at": 7}))
            .collect();
        let body = json!({"after_seq": 7, "messages": messages, "text": null});
        let CheckedSend::Batch(drafts) = serde_json::from_value::<SendBody>(body).unwrap().check().unwrap() else {
            panic!("a batch")
        };
        assert_eq!(drafts.len(), 25);
        assert!(drafts.iter().all(|draft| draft.after_seq == Some(Seq(7))));
    }
}
