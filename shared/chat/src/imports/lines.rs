//! The lines of the format, as far as an import reads them.

use domain::import::MAX_LINE_BYTES;
use domain::{ConversationId, ConversationType, Custom, HistoryPolicy, Period, Role, Seq, Timestamp, UserId};
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
    pub(super) custom: Option<Custom>,
    #[serde(default)]
    pub(super) pinned_seqs: Vec<Seq>,
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

/// Parses a line of a file.
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

/// An entry of messages in memory.
pub(super) struct OpenEntry {
    /// Its place in the file.
    pub(super) place: usize,
    bytes: Vec<u8>,
    /// The line that comes next, and where it begins.
    pub(super) line: usize,
    at: usize,
}

impl OpenEntry {
    pub(super) fn new(place: usize, bytes: Vec<u8>) -> Self {
        Self { place, bytes, line: 0, at: 0 }
    }

    /// Returns the next line; `None` at the end.
    pub(super) fn next_line(&mut self) -> Option<&[u8]> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        self.at += length + 1;
        self.line += 1;
        Some(rest[..length].trim_ascii())
    }

    /// Goes to a line.
    pub(super) fn seek(&mut self, line: usize) {
        if line < self.line {
            (self.line, self.at) = (0, 0);
        }
        while self.line < line && self.next_line().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_from_any_of_them_on() {
        let mut entry = OpenEntry::new(0, b"a\r\n\n  b\nc".to_vec());
        let read = |entry: &mut OpenEntry| {
            let mut lines = Vec::new();
            while let Some(line) = entry.next_line() {
                lines.push(String::from_utf8(line.to_vec()).unwrap());
            }
            lines
        };
        assert_eq!(read(&mut entry), ["a", "", "b", "c"]);
        assert_eq!(entry.line, 4);
        entry.seek(2);
        assert_eq!(read(&mut entry), ["b", "c"]);
        entry.seek(9);
        assert_eq!(entry.next_line(), None);
        assert_eq!(entry.line, 4);
    }
}
