//! Exports of Matrix rooms, as Element makes them: a JSON object with the room's name and topic, and its events.
//!
//! Edits become the final text, redactions deleted messages, annotations reactions. The bytes of files are elsewhere: a message keeps their
//! names and `mxc:` addresses in its text.

mod members;
mod model;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::{ConversationType, HistoryPolicy, Timestamp};
use uuid::Uuid;

use crate::output::{Archive, Conversation, Ids, Member, Message, shows_something};
use crate::{Converted, Error, Subjects};
use members::Members;
use model::{Content, Event, Room};

/// Types of messages whose body is the name of a file.
const FILES: [&str; 4] = ["m.image", "m.file", "m.audio", "m.video"];

/// Converts exports of rooms, each with its name. Users whom `subjects` names, by their id, find their conversations when they sign in.
pub fn convert(rooms: &[(String, Vec<u8>)], subjects: &Subjects) -> Result<Converted, Error> {
    let mut converter = Converter { ids: Ids::of("matrix"), known: BTreeSet::new(), archive: Archive::default() };
    for (name, bytes) in rooms {
        let room: Room = serde_json::from_slice(bytes).map_err(Error::in_file(Path::new(name)))?;
        converter.room(name, room, subjects);
    }
    converter.archive.finish()
}

struct Converter {
    ids: Ids,
    /// Users who are in the file already.
    known: BTreeSet<String>,
    archive: Archive,
}

/// Changes of messages, by the events that they are about.
#[derive(Default)]
struct Changes {
    /// The newest edit of each event, with its time.
    edits: BTreeMap<String, (i64, Content)>,
    redacted: BTreeSet<String>,
    /// Event, user and emoji of each reaction.
    reactions: Vec<(String, String, String, String)>,
}

impl Converter {
    fn room(&mut self, name: &str, room: Room, subjects: &Subjects) {
        let mut events = room.messages;
        events.sort_by_key(|event| event.origin_server_ts);
        let room_id = events.iter().map(|event| event.room_id.as_str()).find(|id| !id.is_empty()).unwrap_or(name);
        let room_id = room_id.to_owned();
        let changes = self.changes(&events);
        let mut members = Members::default();
        let (mut messages, mut history) = (Vec::new(), HistoryPolicy::Full);
        for event in &events {
            let at = Timestamp::nearest(event.origin_server_ts);
            members.follow(event, at, messages.len() as u64);
            match event.kind.as_str() {
                "m.room.message" | "m.sticker" => match self.message(event, at, &changes) {
                    Some(message) => messages.push(message),
                    None => self.archive.summary.left_out += usize::from(!is_edit(&event.content)),
                },
                "m.room.history_visibility" => {
                    let joined = matches!(event.content.history_visibility.as_deref(), Some("joined" | "invited"));
                    history = if joined { HistoryPolicy::SinceJoin } else { HistoryPolicy::Full };
                }
                "m.reaction" | "m.room.redaction" | "m.room.member" => {}
                _ => self.archive.summary.left_out += 1,
            }
        }
        let first = messages.first().map_or(Timestamp::MIN, |message| message.sent_at);
        members.finish(first);
        for (user, member) in &members.users {
            if self.known.insert(user.clone()) {
                let name = member.name.as_deref().unwrap_or(user);
                self.archive.add_user(self.ids.id("user", user), name, subjects.of(&[user]));
            }
        }
        let member = |(user, member): (&String, &members::MemberOf)| Member {
            user: self.ids.id("user", user),
            role: member.joined.map(|_| members.role(user, room.creator.as_deref())),
            joined: member.joined,
            periods: member.periods.clone(),
        };
        let all: Vec<Member> = members.users.iter().map(member).collect();
        let conversation = Conversation {
            id: self.ids.id("conversation", &room_id),
            kind: ConversationType::Group,
            title: Some(room.name),
            topic: Some(room.topic),
            history,
            closed: false,
        };
        self.archive.add(&conversation, &all, &messages);
    }

    /// Collects what later events say about earlier ones.
    fn changes(&mut self, events: &[Event]) -> Changes {
        let mut changes = Changes::default();
        for event in events {
            if event.kind == "m.room.redaction" {
                changes.redacted.extend(event.redacts.clone().or_else(|| event.content.redacts.clone()));
            }
            if event.unsigned.redacted_because.is_some() {
                changes.redacted.insert(event.id.clone());
            }
        }
        for event in events.iter().filter(|event| !changes.redacted.contains(&event.id)) {
            let bundled = event.unsigned.relations.replace.as_deref();
            for edit in [Some(event).filter(|event| is_edit(&event.content)), bundled].into_iter().flatten() {
                let of = edit.content.relates_to.as_ref().and_then(|relation| relation.event_id.clone());
                let of = of.or_else(|| bundled.map(|_| event.id.clone()));
                if let (Some(of), Some(content)) = (of, edit.content.replacement.as_deref()) {
                    let newest = changes.edits.entry(of).or_insert((i64::MIN, Content::default()));
                    if edit.origin_server_ts >= newest.0 {
                        *newest = (edit.origin_server_ts, content.clone());
                    }
                }
            }
            if let (true, Some(relation)) = (event.kind == "m.reaction", &event.content.relates_to)
                && let (Some(of), Some(key)) = (&relation.event_id, &relation.key)
            {
                match emojis::get(key) {
                    Some(emoji) => changes.reactions.push((
                        of.clone(),
                        event.sender.clone(),
                        emoji.as_str().to_owned(),
                        event.id.clone(),
                    )),
                    None => self.archive.summary.lost_reactions += 1,
                }
            }
        }
        changes
    }

    /// Converts a message; `None` for an edit of another one, and for one that shows nothing.
    fn message(&self, event: &Event, at: Timestamp, changes: &Changes) -> Option<Message> {
        if is_edit(&event.content) {
            return None;
        }
        let edit = changes.edits.get(&event.id);
        let content = edit.map_or(&event.content, |(_, content)| content);
        let text = if changes.redacted.contains(&event.id) {
            None
        } else {
            Some(text(content, &event.kind)).filter(|text| shows_something(text)).map(Some)?
        };
        let mut reactions: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
        let of_message = changes.reactions.iter().filter(|(of, ..)| *of == event.id && text.is_some());
        for (_, user, emoji, _) in of_message {
            reactions.entry(emoji.clone()).or_default().insert(self.ids.id("user", user));
        }
        let reply = event.content.relates_to.as_ref().and_then(|relation| relation.in_reply_to.as_ref());
        Some(Message {
            id: self.ids.id("message", &event.id),
            source: event.id.clone(),
            sender: self.ids.id("user", &event.sender),
            sent_at: at,
            mentions: content.mentions.user_ids.iter().map(|user| self.ids.id("user", user)).collect(),
            reply_to: reply.map(|reply| reply.event_id.clone()),
            edited_at: edit.filter(|_| text.is_some()).map(|(edited_at, _)| Timestamp::nearest(*edited_at).max(at)),
            text,
            reactions,
        })
    }
}

fn is_edit(content: &Content) -> bool {
    content.relates_to.as_ref().is_some_and(|relation| relation.rel_type.as_deref() == Some("m.replace"))
}

/// Returns the text of a message, without the quotation that older clients put before an answer.
fn text(content: &Content, kind: &str) -> String {
    let body = content.body.as_deref().unwrap_or_default();
    let is_file = kind == "m.sticker" || content.msgtype.as_deref().is_some_and(|msgtype| FILES.contains(&msgtype));
    if is_file {
        let url = content.url.as_deref().or(content.file.as_ref().and_then(|file| file.url.as_deref()));
        let link = url.map(|url| format!(" ({url})")).unwrap_or_default();
        return match &content.filename {
            Some(name) if name != body && !body.is_empty() => format!("{body}\n[{name}]{link}"),
            Some(name) => format!("[{name}]{link}"),
            None => format!("[{body}]{link}"),
        };
    }
    let is_reply = content.relates_to.as_ref().is_some_and(|relation| relation.in_reply_to.is_some());
    let quoted = body.starts_with("> <") && is_reply;
    match body.split_once("\n\n").filter(|_| quoted) {
        Some((quotation, answer)) if quotation.lines().all(|line| line.starts_with('>')) => answer.to_owned(),
        _ => body.to_owned(),
    }
}
