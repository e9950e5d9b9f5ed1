//! Messages: the items of a conversation's log.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::characters::is_blank;
use crate::conversation::{HistoryPolicy, Member};
use crate::hex;
use crate::reaction::{Emoji, ReactionCount};
use crate::{
    ApiError, Attachment, ClientMessageId, ConversationId, ConversationType, Custom, ErrorCode, FileId, MessageId,
    Role, Seq, Timestamp, UserId,
};

/// Longest text, in bytes of UTF-8 after JSON decoding.
pub const MAX_TEXT_BYTES: usize = 8 * 1024;

/// Most users that one message mentions.
pub const MAX_MENTIONS: usize = 50;

/// Most edits of one message.
pub const MAX_EDITS: usize = 20;

/// The content of one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Content {
    /// The text, at most [`MAX_TEXT_BYTES`]; empty only if there are attachments.
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_TEXT_BYTES)))]
    pub text: String,
    /// The message that this one answers: a reference, never expanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to_seq: Option<Seq>,
    /// Users that the text mentions, at most [`MAX_MENTIONS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = MAX_MENTIONS)))]
    pub mentions: Vec<UserId>,
    /// Files that the message references, at most [`crate::file::MAX_ATTACHMENTS`]. They are deleted with the message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = crate::file::MAX_ATTACHMENTS)))]
    pub attachments: Vec<Attachment>,
    /// What the sender's app has added; never empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Custom>,
}

impl Content {
    /// Returns the mentioned users who are members, each once.
    pub fn mentioned_members(&self, is_member: impl Fn(UserId) -> bool) -> Vec<UserId> {
        let mut mentions = Vec::new();
        for user in &self.mentions {
            if !mentions.contains(user) && is_member(*user) {
                mentions.push(*user);
            }
        }
        mentions
    }

    /// Checks the limits of a message without attachments, whose text must have a visible character.
    pub fn new(text: String, reply_to_seq: Option<Seq>, mentions: Vec<UserId>) -> Result<Self, ApiError> {
        if is_blank(&text) {
            return Err(ApiError::invalid("`text` must have a visible character."));
        }
        Self::caption(text, reply_to_seq, mentions)
    }

    /// Checks the limits of a text that may be empty: that of a message with attachments. A text that shows nothing is empty.
    pub fn caption(text: String, reply_to_seq: Option<Seq>, mentions: Vec<UserId>) -> Result<Self, ApiError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(ApiError::new(
                ErrorCode::TextTooLarge,
                format!("`text` has {} bytes; the limit is {MAX_TEXT_BYTES}.", text.len()),
            ));
        }
        if mentions.len() > MAX_MENTIONS {
            return Err(ApiError::new(
                ErrorCode::TooManyMentions,
                format!("`mentions` can have at most {MAX_MENTIONS} users."),
            ));
        }
        if reply_to_seq.is_some_and(|seq| seq == Seq::ZERO || seq > Seq::MAX) {
            return Err(ApiError::invalid("`reply_to_seq` is not a valid seq."));
        }
        let text = if is_blank(&text) { String::new() } else { text };
        Ok(Self { text, reply_to_seq, mentions, attachments: Vec::new(), custom: None })
    }

    /// Adds what the app has added, if it keeps its limits. An empty object is none.
    pub fn with_custom(self, custom: Option<Custom>) -> Result<Self, ApiError> {
        Ok(Self { custom: Custom::checked(custom)?, ..self })
    }

    /// Returns a fingerprint of the content and these files, which detects a resend with other content. It outlives edits and
    /// the files. It has 128 bits, in hex: it guards a sender against their own mistakes, not against an adversary.
    pub fn digest(&self, files: &[FileId]) -> String {
        let mut hash = Sha256::new();
        // Lengths before variable parts, so that no two contents run together to the same bytes.
        hash.update((self.text.len() as u64).to_be_bytes());
        hash.update(self.text.as_bytes());
        hash.update(self.reply_to_seq.map_or(0, |seq| seq.0).to_be_bytes());
        if !files.is_empty() {
            // Half as long as an id, so that the two cannot be confused.
            hash.update((files.len() as u64).to_be_bytes());
            for file in files {
                hash.update(file.0.as_bytes());
            }
        }
        for user in &self.mentions {
            hash.update(user.0.as_bytes());
        }
        if let Some(custom) = &self.custom {
            let custom = custom.canonical();
            // One byte more than two ids, so that it cannot be confused with what stands before it.
            hash.update(Sha256::digest(custom.as_bytes()));
            hash.update([0]);
        }
        hex(&hash.finalize()[..16])
    }
}

/// The text of a message from one of its edits on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// Seq of the event that made the change.
    pub seq: Seq,
    /// Time of the event.
    pub edited_at: Timestamp,
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// The object from then on, an empty one for none; absent if the edit has not changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Custom>,
}

/// Returns the object of a message after these edits.
pub fn custom_after<'a>(original: &'a Content, edits: &'a [Edit]) -> Option<&'a Custom> {
    let changed = edits.iter().rev().find_map(|edit| edit.custom.as_ref());
    changed.or(original.custom.as_ref()).filter(|custom| !custom.is_empty())
}

/// The content of an item of the log, by kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MessageKind {
    Text(Content),
    /// The conversation began: always seq 1.
    Created {
        /// Kind of the conversation.
        conversation_type: ConversationType,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        topic: Option<String>,
        #[serde(default)]
        history: HistoryPolicy,
        members: Vec<Member>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        custom: Option<Custom>,
    },
    /// The sender added members.
    MembersAdded {
        members: Vec<Member>,
    },
    MemberLeft {
        /// The member who becomes owner, if the last owner left.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promoted: Option<UserId>,
        /// True if the conversation is closed.
        closed: bool,
        /// True if the sender left because the account was deleted.
        user_deleted: bool,
    },
    /// The sender removed a member.
    MemberRemoved {
        user_id: UserId,
    },
    /// The sender changed the role of a member.
    RoleChanged {
        user_id: UserId,
        role: Role,
    },
    /// The sender muted a member, or ended the mute.
    MemberMuted {
        user_id: UserId,
        muted_until: Option<Timestamp>,
    },
    /// The sender changed the title.
    TitleChanged {
        title: String,
    },
    /// The sender changed the topic.
    TopicChanged {
        topic: Option<String>,
    },
    /// The sender changed what the app has added to the conversation.
    CustomChanged {
        /// `None` if there is none any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        custom: Option<Custom>,
    },
    /// The sender changed the time for which messages are kept.
    RetentionChanged {
        /// Days; `None` for as long as the operator keeps messages.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retention_days: Option<u32>,
    },
    /// The sender pinned a message for everybody, or ended that.
    PinsChanged {
        message_seq: Seq,
        /// True for a pin, false for its end.
        on: bool,
        /// Seqs of all pinned messages from then on, rising.
        pinned_seqs: Vec<Seq>,
    },
    /// The sender closed the conversation: it can be read, and nothing else.
    Closed,
    /// A text whose content was deleted for all users.
    ///
    /// The fields are absent for users who were not members at the time of the deletion.
    Deleted {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deleted_by: Option<UserId>,
        /// Seq of the event that made the change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deleted_seq: Option<Seq>,
        /// Time of the event.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deleted_at: Option<Timestamp>,
    },
    /// An event: the sender edited a message.
    MessageEdited {
        target_seq: Seq,
        /// The new content as the reader may see it, in the fields of a text. It is never stored with the event: a deletion has to
        /// find all of it in the message.
        #[serde(flatten)]
        content: Option<Content>,
    },
    /// An event: the sender deleted a message.
    MessageDeleted {
        target_seq: Seq,
    },
    /// An event: the sender added or withdrew a reaction to a message.
    Reaction {
        target_seq: Seq,
        emoji: Emoji,
        /// True for a reaction, false for its withdrawal.
        on: bool,
    },
    /// An event: everything that the user had written below this seq is erased, and whoever has copies forgets them.
    ///
    /// It also takes the place of what a user had written besides messages, such as a reaction.
    UserErased {
        user_id: UserId,
    },
}

impl MessageKind {
    /// Returns true for an event: pages of history leave it out, and no message answers it.
    pub const fn is_event(&self) -> bool {
        self.target().is_some() || matches!(self, Self::UserErased { .. })
    }

    /// Returns the files that the item references.
    pub fn attachments(&self) -> &[Attachment] {
        match self {
            Self::Text(content) => &content.attachments,
            _ => &[],
        }
    }

    /// Seq of the message that an event is about; `None` for other items. Cursors include events; pages of history leave them
    /// out, because their messages show the effects.
    pub const fn target(&self) -> Option<Seq> {
        match self {
            Self::MessageEdited { target_seq, .. }
            | Self::MessageDeleted { target_seq }
            | Self::Reaction { target_seq, .. } => Some(*target_seq),
            _ => None,
        }
    }
}

/// One item of a conversation's log, as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Message {
    pub conversation_id: ConversationId,
    pub seq: Seq,
    pub message_id: MessageId,
    /// The actor: the token's user, whatever a client claims.
    pub sender_id: UserId,
    /// Time by the server's clock; never earlier than that of the item before it.
    pub sent_at: Timestamp,
    /// The sender's own id for it: shown to the sender alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<ClientMessageId>,
    /// Time of the last edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// Reactions of the message's readers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<ReactionCount>,
    #[serde(flatten)]
    pub kind: MessageKind,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str) -> Result<Content, ApiError> {
        Content::new(text.to_owned(), None, Vec::new())
    }

    #[test]
    fn text_is_bounded_in_bytes() {
        assert!(content(&"é".repeat(4096)).is_ok());
        assert_eq!(content(&"é".repeat(4097)).unwrap_err().code, ErrorCode::TextTooLarge);
        for blank in ["", " \n", "\u{200b}", "\u{2800}", "\u{3164}", "\0", "\u{301}"] {
            assert_eq!(content(blank).unwrap_err().code, ErrorCode::InvalidRequest, "{blank:?}");
            assert_eq!(Content::caption(blank.to_owned(), None, Vec::new()).unwrap().text, "");
        }
        assert_eq!(content("\u{202e}a\0\r\nb\u{200b}").unwrap().text, "\u{202e}a\0\r\nb\u{200b}");
    }

    #[test]
    fn different_contents_have_different_digests() {
        let plain = content("hi").unwrap();
        let reply = Content { reply_to_seq: Some(Seq(7)), ..plain.clone() };
        assert_eq!(plain.digest(&[]), content("hi").unwrap().digest(&[]));
        assert_ne!(plain.digest(&[]), content("ho").unwrap().digest(&[]));
        assert_ne!(plain.digest(&[]), reply.digest(&[]));
        let (file, other) = (FileId::generate(), FileId::generate());
        let mentioning = Content { mentions: vec![UserId(file.0)], ..plain.clone() };
        let custom = |json: &str| Content { custom: Custom::stored(json).ok(), ..plain.clone() }.digest(&[]);
        let digests = [
            plain.digest(&[]),
            plain.digest(&[file]),
            plain.digest(&[file, other]),
            mentioning.digest(&[]),
            custom(r#"{"a":1}"#),
            custom(r#"{"a":2}"#),
        ];
        assert_eq!(custom(r#"{"a":1,"b":2}"#), custom(r#"{"b":2,"a":1}"#));
        assert!((0..digests.len()).all(|n| !digests[n + 1..].contains(&digests[n])), "{digests:?}");
    }
}
