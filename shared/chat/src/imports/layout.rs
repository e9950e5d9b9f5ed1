//! The entries of a file by what they have.

use std::collections::BTreeMap;

use domain::{ConversationId, FileId};

use super::file::Entry;

/// The content of an entry of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Users,
    Profile,
    Conversations,
    Members,
    Messages(ConversationId),
}

/// The entries of a file, in the order in which they are read.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Places of the entries of lines.
    pub(super) lines: Vec<(Kind, usize)>,
    /// The bytes of files.
    pub(super) files: BTreeMap<FileId, FileEntry>,
}

/// The bytes of a file: place and size of their entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileEntry {
    pub(super) place: usize,
    pub(super) size: u64,
}

impl Layout {
    /// Sorts entries: first what later ones refer to. Entries with other names are of a later version, and left out.
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut layout = Self::default();
        let mut lines = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            if let Some((kind, part)) = kind_of(&entry.name) {
                lines.push((kind, part, place));
            } else if let Some(file) = file_of(&entry.name).filter(|_| entry.size > 0) {
                layout.files.insert(file, FileEntry { place, size: entry.size });
            }
        }
        lines.sort_unstable();
        layout.lines = lines.into_iter().map(|(kind, _, place)| (kind, place)).collect();
        layout
    }

    /// Returns the places of the messages of a conversation.
    pub(super) fn messages(&self, conversation: ConversationId) -> Vec<usize> {
        let kind = Kind::Messages(conversation);
        let first = self.lines.partition_point(|(other, _)| *other < kind);
        self.lines[first..].iter().take_while(|(other, _)| *other == kind).map(|(_, place)| *place).collect()
    }
}

/// Returns what an entry has, and which part of it: `members.2.jsonl` is the second one of members.
fn kind_of(name: &str) -> Option<(Kind, u32)> {
    if name == "profile.json" {
        return Some((Kind::Profile, 1));
    }
    let stem = name.strip_suffix(".jsonl")?;
    let (stem, part) = match stem.rsplit_once('.') {
        Some((stem, part)) => (stem, part.parse().ok()?),
        None => (stem, 1),
    };
    let kind = match stem {
        "users" => Kind::Users,
        "conversations" => Kind::Conversations,
        "members" => Kind::Members,
        _ => Kind::Messages(stem.strip_prefix("messages/")?.parse().ok()?),
    };
    Some((kind, part))
}

/// Returns the file whose bytes an entry has.
fn file_of(name: &str) -> Option<FileId> {
    name.strip_prefix("files/")?.split_once('/')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_known_by_their_names() {
        let id: ConversationId = "019ac1d2-5b1e-7a10-9c3f-5f0f4a1b2c3d".parse().unwrap();
        for (name, kind) in [
            ("members.jsonl".to_owned(), Some((Kind::Members, 1))),
            ("conversations.12.jsonl".to_owned(), Some((Kind::Conversations, 12))),
            (format!("messages/{id}.jsonl"), Some((Kind::Messages(id), 1))),
            (format!("messages/{id}.2.jsonl"), Some((Kind::Messages(id), 2))),
            ("manifest.json".to_owned(), None),
            ("messages/x.jsonl".to_owned(), None),
            ("users.x.jsonl".to_owned(), None),
        ] {
            assert_eq!(kind_of(&name), kind, "{name}");
        }
        assert_eq!(file_of(&format!("files/{id}/a/b.png")), Some(FileId(id.0)));
        assert_eq!(file_of("files/x/a"), None);
    }
}
