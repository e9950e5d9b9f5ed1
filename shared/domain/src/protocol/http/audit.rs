//! The audit: what backends have done with server tokens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::protocol::read::Cursor;
use crate::{ConversationId, Seq, Timestamp, UserId};

/// A request of a backend. It names ids and never texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditEntry {
    /// The client of the issuer to which the token was given.
    pub client_id: String,
    /// Time at which the request arrived.
    pub at: Timestamp,
    pub request_id: String,
    /// Method and path with the names of its parameters: `POST /v1/server/conversations/{id}/members`.
    pub route: String,
    /// The path with its ids, without the query.
    pub path: String,
    /// The user as whom the backend acted, or the system; absent if the request names nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acted_as: Option<UserId>,
    /// Users that the body names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_ids: Vec<UserId>,
    /// Absent while the request is under way, and for ever if the process ended before it: the request may have taken effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AuditOutcome>,
}

impl AuditEntry {
    /// Returns the position of the entry in its day.
    pub fn cursor(&self) -> AuditCursor {
        AuditCursor { at: self.at, request_id: self.request_id.clone() }
    }
}

/// The answer to a request of a backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditOutcome {
    pub status: u16,
    /// Code of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The conversation that the answer names: a new one, or that of the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// The user that the answer names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Seqs of the messages that the answer names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seqs: Vec<Seq>,
}

/// Query of `GET /v1/server/audit`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// The caller's own unless set.
    pub client_id: Option<String>,
    /// The current day in UTC unless set.
    pub day: Option<AuditDay>,
    pub limit: Option<u64>,
    pub cursor: Option<Cursor<AuditCursor>>,
}

/// Answer to `GET /v1/server/audit`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditPage {
    /// Entries of the day, oldest first.
    pub entries: Vec<AuditEntry>,
    /// Cursor of the next page; `None` on the last.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub cursor: Option<AuditCursor>,
}

/// The text is not of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is neither a day nor a position of the audit")]
pub struct NotOfAudit;

/// A day in UTC: `2026-11-22`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditDay(Timestamp);

impl AuditDay {
    /// Returns the day of a time.
    pub const fn of(at: Timestamp) -> Self {
        Self(at)
    }
}

impl fmt::Display for AuditDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.split('T').next().unwrap_or_default())
    }
}

impl FromStr for AuditDay {
    type Err = NotOfAudit;

    fn from_str(text: &str) -> Result<Self, NotOfAudit> {
        Timestamp::parse(&format!("{text}T00:00:00Z")).map(Self).ok_or(NotOfAudit)
    }
}

impl<'de> Deserialize<'de> for AuditDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| de::Error::custom("is not a day such as 2026-11-22"))
    }
}

/// A position in a day: entries are in the order of their times. Its text sorts as it does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditCursor {
    at: Timestamp,
    request_id: String,
}

/// Most characters of a request's id.
const MAX_REQUEST_ID: usize = 100;

impl fmt::Display for AuditCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No character that a query has to escape.
        write!(f, "{}_{}", self.at, self.request_id)
    }
}

impl FromStr for AuditCursor {
    type Err = NotOfAudit;

    fn from_str(text: &str) -> Result<Self, NotOfAudit> {
        let (at, request_id) = text.split_once('_').ok_or(NotOfAudit)?;
        let at = Timestamp::parse(at).ok_or(NotOfAudit)?;
        if request_id.len() > MAX_REQUEST_ID {
            return Err(NotOfAudit);
        }
        Ok(Self { at, request_id: request_id.to_owned() })
    }
}

impl Serialize for AuditCursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AuditCursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_epoch_millis(1_800_000_000_123);

    #[test]
    fn days_have_one_form() {
        assert_eq!(AuditDay::of(AT).to_string(), "2027-01-15");
        assert_eq!("2027-01-15".parse::<AuditDay>().unwrap().to_string(), "2027-01-15");
        for text in ["", "2027-1-15", "2027-02-30", "2027-01-15T00:00:00Z", "1969-12-31", "today"] {
            assert_eq!(text.parse::<AuditDay>(), Err(NotOfAudit), "{text}");
        }
    }

    #[test]
    fn cursors_sort_as_their_texts() {
        let cursor = |millis, id: &str| AuditCursor {
            at: Timestamp::from_epoch_millis(AT.epoch_millis() + millis),
            request_id: id.to_owned(),
        };
        let sorted = [cursor(0, "a"), cursor(0, "b"), cursor(1, "a"), cursor(10, "0")];
        assert!(sorted.is_sorted());
        assert!(sorted.iter().map(ToString::to_string).is_sorted());
        for cursor in sorted {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "a", "_", "a_b", &format!("{AT}"), &format!("{AT}_{}", "a".repeat(101))] {
            assert_eq!(text.parse::<AuditCursor>(), Err(NotOfAudit), "{text}");
        }
    }
}
