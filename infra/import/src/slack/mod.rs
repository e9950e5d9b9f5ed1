//! Exports of a Slack workspace.
//!
//! | file | |
//! |---|---|
//! | `users.json` | users |
//! | `channels.json`, `groups.json`, `mpims.json`, `dms.json` | public and private channels, group messages and direct messages |
//! | `<folder>/<date>.json` | the messages of a day; the folder has the name of the channel, or the id of direct messages |
//!
//! The bytes of files are not in an export, and their links need a session: a message keeps their names and links in its text.

mod files;
mod model;
mod mrkdwn;

use std::collections::{BTreeMap, BTreeSet};

use domain::{ConversationType, HistoryPolicy, Role, Timestamp};
use uuid::Uuid;

pub use files::Files;

use crate::output::{Archive, Conversation, Ids, Member, Message, shows_something};
use crate::{Converted, Error, Subjects};
use model::{Channel, User};
use mrkdwn::{Names, emoji, plain};

/// Subtypes of messages that people or programs wrote. All others are notices.
const WRITTEN: [&str; 5] = ["bot_message", "file_share", "me_message", "thread_broadcast", "file_comment"];

/// Converts an export. Users whom `subjects` names, by their id or address, find their conversations when they sign in.
pub fn convert(files: &Files, subjects: &Subjects) -> Result<Converted, Error> {
    let mut converter = Converter::new(files, subjects)?;
    for (list, kind) in [
        ("channels.json", ConversationType::Public),
        ("groups.json", ConversationType::Group),
        ("mpims.json", ConversationType::Group),
        ("dms.json", ConversationType::Private),
    ] {
        for channel in files.list::<Channel>(list)? {
            converter.channel(&channel, kind)?;
        }
    }
    converter.archive.finish()
}

struct Converter<'a> {
    files: &'a Files,
    ids: Ids,
    names: Names,
    /// Users who are in the file already.
    known: BTreeSet<String>,
    archive: Archive,
}

impl<'a> Converter<'a> {
    fn new(files: &'a Files, subjects: &Subjects) -> Result<Self, Error> {
        let mut converter = Self {
            files,
            ids: Ids::of("slack"),
            names: Names::default(),
            known: BTreeSet::new(),
            archive: Archive::default(),
        };
        for user in files.list::<User>("users.json")? {
            let subject = subjects.of(&[&user.id, &user.profile.email]);
            converter.add_user(&user.id, user.shown_name(), subject);
        }
        for list in ["channels.json", "groups.json"] {
            let channels = files.list::<Channel>(list)?;
            converter.names.channels.extend(channels.into_iter().map(|channel| (channel.id, channel.name)));
        }
        Ok(converter)
    }

    fn user(&self, user: &str) -> Uuid {
        self.ids.id("user", user)
    }

    /// Adds a user to the file, once.
    fn add_user(&mut self, user: &str, name: &str, subject: Option<&str>) -> Uuid {
        let id = self.user(user);
        if self.known.insert(user.to_owned()) {
            self.names.users.insert(user.to_owned(), name.to_owned());
            self.archive.add_user(id, name, subject);
        }
        id
    }

    fn channel(&mut self, channel: &Channel, kind: ConversationType) -> Result<(), Error> {
        let mut written: Vec<model::Message> = Vec::new();
        // The folder has the name, where there is one.
        for folder in BTreeSet::from([channel.name.as_str(), channel.id.as_str()]) {
            written.extend(self.files.messages(folder)?);
        }
        written.sort_by_key(|message| time(&message.ts));
        let mut messages: Vec<Message> = Vec::new();
        for message in written {
            match self.message(&channel.id, message) {
                Some(message) => messages.push(message),
                None => self.archive.summary.left_out += 1,
            }
        }
        let users: BTreeSet<&String> = channel.members.iter().collect();
        // A conversation with oneself, or one whose other user is not in the export.
        let kind = if kind == ConversationType::Private && users.len() != 2 { ConversationType::Group } else { kind };
        let is_private = kind == ConversationType::Private;
        let members = users.iter().map(|user| Member {
            user: self.user(user),
            role: Some(if **user == channel.creator && !is_private { Role::Owner } else { Role::Member }),
            joined: None,
            periods: Vec::new(),
        });
        let members: Vec<Member> = members.collect();
        let named: Vec<&str> =
            users.iter().map(|user| self.names.users.get(*user).map_or(user.as_str(), String::as_str)).collect();
        let is_named = !channel.name.is_empty() && !channel.name.starts_with("mpdm-");
        let title = if is_named { channel.name.clone() } else { named.join(", ") };
        let conversation = Conversation {
            id: self.ids.id("conversation", &channel.id),
            kind,
            title: (!is_private).then_some(title),
            topic: Some(channel.topic.value.clone()).filter(|topic| !is_private && !topic.is_empty()),
            // Members see what was written before them.
            history: if is_private { HistoryPolicy::SinceJoin } else { HistoryPolicy::Full },
            closed: channel.is_archived,
        };
        self.archive.add(&conversation, &members, &messages);
        Ok(())
    }

    /// Converts a message; `None` for a notice, and for one that shows nothing.
    fn message(&mut self, channel: &str, message: model::Message) -> Option<Message> {
        let is_written = message.subtype.as_deref().is_none_or(|subtype| WRITTEN.contains(&subtype));
        let sent_at = time(&message.ts).map(|(at, _)| at)?;
        if !is_written || message.hidden {
            return None;
        }
        let sender = message.user.clone().or_else(|| message.bot_id.clone()).or_else(|| message.username.clone())?;
        let name = message.username.clone().unwrap_or_else(|| sender.clone());
        let (mut text, mentions) = plain(&message.text, &self.names);
        if !shows_something(&text) {
            let shown =
                |attachment: &model::Attachment| attachment.text.clone().or_else(|| attachment.fallback.clone());
            let shown: Vec<String> = message.attachments.iter().filter_map(shown).collect();
            text = plain(&shown.join("\n"), &self.names).0;
        }
        for file in &message.files {
            let name = file.name.as_deref().or(file.title.as_deref()).unwrap_or("file");
            let link = file.url_private.as_deref().map(|url| format!(" ({url})")).unwrap_or_default();
            let line_break = if text.is_empty() { "" } else { "\n" };
            text.extend([line_break, "[", name, "]", &link]);
        }
        if !shows_something(&text) {
            return None;
        }
        let mut reactions: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
        for reaction in &message.reactions {
            match emoji(&reaction.name) {
                Some(emoji) => {
                    let users = reaction.users.iter().map(|user| self.user(user));
                    reactions.entry(emoji.to_owned()).or_default().extend(users);
                }
                None => self.archive.summary.lost_reactions += reaction.users.len(),
            }
        }
        Some(Message {
            id: self.ids.id("message", &format!("{channel}:{}", message.ts)),
            sender: self.add_user(&sender, &name, None),
            sent_at,
            text: Some(text),
            mentions: mentions.iter().map(|user| self.user(user)).collect(),
            reply_to: message.thread_ts.filter(|thread| *thread != message.ts),
            edited_at: message.edited.and_then(|edited| time(&edited.ts)).map(|(at, _)| at.max(sent_at)),
            reactions,
            source: message.ts,
        })
    }
}

/// Returns the time of a timestamp of Slack's, and its microseconds within the millisecond.
fn time(ts: &str) -> Option<(Timestamp, u32)> {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, ""));
    let micros: u32 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    let millis = seconds.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(i64::from(micros / 1000))?;
    Some((Timestamp::of_epoch_millis(millis).ok()?, micros % 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_have_microseconds() {
        let millis = |ts| time(ts).map(|(at, micros)| (at.epoch_millis(), micros));
        assert_eq!(millis("1512085950.000216"), Some((1_512_085_950_000, 216)));
        assert_eq!(millis("1512085950.5"), Some((1_512_085_950_500, 0)));
        assert_eq!((millis("1512085950"), millis("x")), (Some((1_512_085_950_000, 0)), None));
    }
}
