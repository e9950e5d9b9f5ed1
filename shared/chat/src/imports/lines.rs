//! The lines of the format, as far as an import reads them.

use domain::import::MAX_LINE_BYTES;
use domain::{ConversationId, ConversationType, HistoryPolicy, Period, Role, Seq, Timestamp, UserId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::errors::Errors;

/// A line of `users.jsonl`, and `profile.json`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct UserLine {
    pub(super) user_id: UserId,
    /// The `sub` of the user's tokens.
    #[serde(default)]
    pub(super) subject: Option<String>,
    #[serde(default)]
    pub(super) display_name: Option<String>,
}

/// A line of `conversations.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ConversationLine {
    pub(super) conversation_id: ConversationId,
    #[serde(rename = "type")]
    pub(super) kind: ConversationType,
    #[serde(default)]
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) topic: Option<String>,
    #[serde(default)]
    pub(super) peer_id: Option<UserId>,
    #[serde(default)]
    pub(super) history: HistoryPolicy,
    #[serde(default)]
    pub(super) retention_days: Option<u32>,
    #[serde(default)]
    pub(super) closed: bool,
}

/// A line of `members.jsonl`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct MemberLine {
    pub(super) conversation_id: ConversationId,
    pub(super) user_id: UserId,
    #[serde(default)]
    pub(super) display_name: Option<String>,
    /// Absent for a former member.
    #[serde(default)]
    pub(super) role: Option<Role>,
    #[serde(default)]
    pub(super) joined_seq: Option<Seq>,
    #[serde(default)]
    pub(super) joined_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) muted_until: Option<Timestamp>,
    /// Ended membership periods, oldest first.
    #[serde(default)]
    pub(super) periods: Vec<Period>,
}

/// Calls `each` with every line of an entry, parsed, and its number. Lines that are too long, or cannot be read, are errors, as is what `each`
/// returns; empty ones are left out. Stops once there are too many.
pub(super) fn each_line<T: DeserializeOwned>(
    name: &str,
    bytes: &[u8],
    errors: &mut Errors,
    mut each: impl FnMut(u64, T) -> Result<(), String>,
) {
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if errors.is_full() {
            return;
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if let Err(message) = parse(line).and_then(|line| each(number, line)) {
            errors.add(name, Some(number), message);
        }
    }
}

/// Parses a line.
pub(super) fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    if line.len() > MAX_LINE_BYTES {
        return Err(format!("The line has {} bytes; the limit is {MAX_LINE_BYTES}.", line.len()));
    }
    serde_json::from_slice(line).map_err(|error| {
        // The position that it names is one within the line.
        let message = error.to_string();
        let message = message.split_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        format!("The line cannot be read: {message}.")
    })
}
