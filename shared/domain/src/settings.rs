//! What a user has set for a conversation: only that user sees it, on all devices.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The messages of a conversation of which a user wants to be notified while no device shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NotificationLevel {
    #[default]
    All,
    /// Messages that mention the user.
    Mentions,
    None,
}

impl NotificationLevel {
    /// The name in DynamoDB and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mentions => "mentions",
            Self::None => "none",
        }
    }

    /// Returns the level with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::All, Self::Mentions, Self::None].into_iter().find(|level| level.as_str() == name)
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "called by serde")]
    fn is_all(&self) -> bool {
        *self == Self::All
    }
}

/// The settings of a user for a conversation. Fields with their first value are absent in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConversationSettings {
    #[serde(default, skip_serializing_if = "NotificationLevel::is_all")]
    pub notification_level: NotificationLevel,
    /// Nothing is notified before this time, whatever the level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications_muted_until: Option<Timestamp>,
    /// True if the user has put the conversation away. New messages do not change that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// True if the user wants the conversation on top of the list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    /// True if the user has called the conversation unread. It ends with the next read receipt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub marked_unread: bool,
}

impl ConversationSettings {
    /// Returns true if the user has set nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A change of settings. Absent fields stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_level: Option<NotificationLevel>,
    /// `null` ends the mute.
    #[allow(clippy::option_option, reason = "absent, or `null`")]
    #[serde(default, deserialize_with = "crate::protocol::http::given", skip_serializing_if = "Option::is_none")]
    pub notifications_muted_until: Option<Option<Timestamp>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked_unread: Option<bool>,
}

impl SettingsChange {
    /// Returns true if nothing is to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn only_what_is_set_is_in_json() {
        assert_eq!(to_value(ConversationSettings::default()).unwrap(), json!({}));
        let set = ConversationSettings {
            notification_level: NotificationLevel::Mentions,
            notifications_muted_until: Some(Timestamp::from_epoch_millis(0)),
            archived: true,
            pinned: true,
            marked_unread: true,
        };
        let json = json!({"notification_level": "mentions", "notifications_muted_until": "1970-01-01T00:00:00.000Z",
            "archived": true, "pinned": true, "marked_unread": true});
        assert_eq!(to_value(set).unwrap(), json);
        assert_eq!(from_value::<ConversationSettings>(json).unwrap(), set);
    }

    #[test]
    fn null_is_not_absent() {
        let change = |json| from_value::<SettingsChange>(json).unwrap();
        assert!(change(json!({})).is_empty());
        assert_eq!(change(json!({"notifications_muted_until": null})).notifications_muted_until, Some(None));
        assert!(from_value::<SettingsChange>(json!({"notification_level": "loud"})).is_err());
        assert!(from_value::<SettingsChange>(json!({"muted": true})).is_err());
    }

    #[test]
    fn levels_have_their_names() {
        for level in [NotificationLevel::All, NotificationLevel::Mentions, NotificationLevel::None] {
            assert_eq!(NotificationLevel::parse(level.as_str()), Some(level));
            assert_eq!(to_value(level).unwrap(), level.as_str());
        }
    }
}
