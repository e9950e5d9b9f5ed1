//! Converts what other chats export into files that Palaver imports.
//!
//! * [`slack`]: exports of a workspace.
//! * [`matrix`]: exports of rooms, as Element makes them.
//! * [`output`]: the file that is made of them.

pub mod matrix;
pub mod output;
pub mod slack;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// A file that was converted.
#[derive(Debug)]
pub struct Converted {
    /// A ZIP file in the format of exports.
    pub file: Vec<u8>,
    pub summary: Summary,
}

/// Numbers of what was converted, and of what was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub users: usize,
    pub conversations: usize,
    pub messages: usize,
    /// Notices of the other chat, and messages that show nothing.
    pub left_out: usize,
    /// Reactions with pictures that are no emoji of Unicode's list.
    pub lost_reactions: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { users, conversations, messages, left_out, lost_reactions } = self;
        write!(f, "{users} users, {conversations} conversations, {messages} messages; left out: {left_out} entries, ")?;
        write!(f, "{lost_reactions} reactions")
    }
}

/// The subjects of users' tokens, by the ids or addresses that the users have in the other chat.
#[derive(Clone, Debug, Default)]
pub struct Subjects(pub BTreeMap<String, String>);

impl Subjects {
    /// Returns the subject of the first of these names that has one.
    fn of<'a>(&'a self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| self.0.get(*name)).map(String::as_str)
    }
}

/// Reasons for which nothing is converted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{file}: {source}")]
    Io { file: String, source: std::io::Error },
    #[error("{file}: {source}")]
    Json { file: String, source: serde_json::Error },
    #[error("{file}: {source}")]
    Zip { file: String, source: zip::result::ZipError },
}

impl Error {
    pub fn io(file: &Path, source: std::io::Error) -> Self {
        Self::Io { file: file.display().to_string(), source }
    }

    /// For `map_err`: a file that is not the JSON that it should be.
    pub fn in_file(file: &Path) -> impl Fn(serde_json::Error) -> Self + use<> {
        let file = file.display().to_string();
        move |source| Self::Json { file: file.clone(), source }
    }
}
