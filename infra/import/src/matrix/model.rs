//! The JSON of Element's exports: a room with its events, as clients of Matrix get them. Everything may be absent.

use serde::Deserialize;
use serde_json::Value;

/// An export of a room.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Room {
    #[serde(rename = "room_name")]
    pub(super) name: String,
    /// Name of the user who created it, not the id.
    #[serde(rename = "room_creator")]
    pub(super) creator: Option<String>,
    pub(super) topic: String,
    pub(super) messages: Vec<Event>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(rename = "event_id")]
    pub(super) id: String,
    pub(super) room_id: String,
    pub(super) sender: String,
    /// Milliseconds since 1970.
    pub(super) origin_server_ts: i64,
    /// The user of an event about a member.
    pub(super) state_key: Option<String>,
    /// The event that a redaction is about; in later versions of rooms the content has it.
    pub(super) redacts: Option<String>,
    pub(super) content: Content,
    pub(super) unsigned: Unsigned,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Content {
    pub(super) msgtype: Option<String>,
    pub(super) body: Option<String>,
    /// Name of a file whose `body` is a caption.
    pub(super) filename: Option<String>,
    /// `mxc://…` of a file that is not encrypted.
    pub(super) url: Option<String>,
    /// The same of one that is.
    pub(super) file: Option<EncryptedFile>,
    #[serde(rename = "m.new_content")]
    pub(super) replacement: Option<Box<Content>>,
    #[serde(rename = "m.relates_to")]
    pub(super) relates_to: Option<Relation>,
    #[serde(rename = "m.mentions")]
    pub(super) mentions: Mentions,
    pub(super) membership: Option<String>,
    pub(super) displayname: Option<String>,
    pub(super) history_visibility: Option<String>,
    pub(super) redacts: Option<String>,
    /// Power levels by user.
    pub(super) users: Value,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EncryptedFile {
    pub(super) url: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Mentions {
    pub(super) user_ids: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Relation {
    pub(super) rel_type: Option<String>,
    pub(super) event_id: Option<String>,
    /// The emoji of a reaction.
    pub(super) key: Option<String>,
    #[serde(rename = "m.in_reply_to")]
    pub(super) in_reply_to: Option<InReplyTo>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InReplyTo {
    pub(super) event_id: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Unsigned {
    pub(super) redacted_because: Option<Value>,
    #[serde(rename = "m.relations")]
    pub(super) relations: Relations,
}

/// What the server has put together about an event.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Relations {
    #[serde(rename = "m.replace")]
    pub(super) replace: Option<Box<Event>>,
}
