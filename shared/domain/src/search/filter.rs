//! Filters and orders of a search for messages.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::has_link;
use crate::{Message, MessageKind};

/// Something that a message has beside words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Has {
    File,
    Link,
    /// It mentions a user.
    Mention,
}

impl Has {
    pub const ALL: [Self; 3] = [Self::File, Self::Link, Self::Mention];

    /// The name in JSON and in the index.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Link => "link",
            Self::Mention => "mention",
        }
    }

    /// Returns true if the message has it, as it is shown.
    pub fn is_in(self, message: &Message) -> bool {
        let MessageKind::Text(content) = &message.kind else { return false };
        match self {
            Self::File => !content.attachments.is_empty(),
            Self::Link => has_link(&content.text),
            Self::Mention => !content.mentions.is_empty(),
        }
    }
}

impl FromStr for Has {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|has| has.as_str() == name).ok_or("must be `file`, `link` or `mention`")
    }
}

/// The order of what a search finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SearchOrder {
    /// By time, the newest first.
    #[default]
    Newest,
    /// By how well the words match: in the text and the names of files, and as whole words.
    Best,
}

impl SearchOrder {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Best => "best",
        }
    }
}

impl FromStr for SearchOrder {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = [Self::Newest, Self::Best].into_iter().find(|order| order.as_str() == name);
        found.ok_or("must be `newest` or `best`")
    }
}

/// Reads a parameter that is one of a few names.
fn named<'de, T: FromStr<Err = &'static str>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

impl<'de> Deserialize<'de> for Has {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named(deserializer)
    }
}

impl<'de> Deserialize<'de> for SearchOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named(deserializer)
    }
}
