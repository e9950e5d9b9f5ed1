//! The JSON of Slack's exports, as far as it is converted. Everything may be absent.

use serde::Deserialize;

/// An entry of `users.json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) real_name: String,
    pub(super) profile: Profile,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    pub(super) display_name: String,
    pub(super) real_name: String,
    pub(super) email: String,
}

impl User {
    /// Returns the name that others see.
    pub(super) fn shown_name(&self) -> &str {
        let names = [&self.profile.display_name, &self.profile.real_name, &self.real_name, &self.name, &self.id];
        names.into_iter().find(|name| !name.trim().is_empty()).map_or("", String::as_str)
    }
}

/// An entry of `channels.json`, `groups.json`, `mpims.json` or `dms.json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Channel {
    pub(super) id: String,
    /// Absent for direct messages.
    pub(super) name: String,
    pub(super) creator: String,
    pub(super) is_archived: bool,
    pub(super) members: Vec<String>,
    pub(super) topic: Value,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Value {
    pub(super) value: String,
}

/// A message of a day.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) subtype: Option<String>,
    /// Seconds since 1970 and a number behind a dot: the id within the channel.
    pub(super) ts: String,
    pub(super) user: Option<String>,
    pub(super) bot_id: Option<String>,
    /// Name of a bot.
    pub(super) username: Option<String>,
    pub(super) text: String,
    pub(super) thread_ts: Option<String>,
    pub(super) edited: Option<Edited>,
    pub(super) hidden: bool,
    pub(super) reactions: Vec<Reaction>,
    pub(super) files: Vec<File>,
    pub(super) attachments: Vec<Attachment>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Edited {
    pub(super) ts: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reaction {
    pub(super) name: String,
    pub(super) users: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    pub(super) name: Option<String>,
    pub(super) title: Option<String>,
    pub(super) url_private: Option<String>,
}

/// What a program shows beside its text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attachment {
    pub(super) fallback: Option<String>,
    pub(super) text: Option<String>,
}
