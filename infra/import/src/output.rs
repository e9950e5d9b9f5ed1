//! The file of an import: `docs/export-format.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};

use domain::characters::is_blank;
use domain::conversation::{ConversationType, HistoryPolicy, MAX_TITLE_CHARS, MAX_TOPIC_CHARS, Role, title, topic};
use domain::message::{MAX_MENTIONS, MAX_TEXT_BYTES};
use domain::reaction::MAX_REACTIONS;
use domain::user::{DisplayName, MAX_DISPLAY_NAME_CHARS};
use domain::{Period, Seq, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::{Converted, Error, Summary};

/// Bytes with which an entry of messages ends.
const ENTRY_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of a part of a text that is too long for one message.
const PART_BYTES: usize = MAX_TEXT_BYTES - 192;

/// Ids that follow from those of another chat.
#[derive(Clone, Copy, Debug)]
pub struct Ids(Uuid);

impl Ids {
    pub fn of(chat: &str) -> Self {
        Self(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("palaver-import:{chat}").as_bytes()))
    }

    pub fn id(self, kind: &str, source: &str) -> Uuid {
        Uuid::new_v5(&self.0, format!("{kind}:{source}").as_bytes())
    }
}

/// A conversation of the file.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub id: Uuid,
    pub kind: ConversationType,
    pub title: Option<String>,
    pub topic: Option<String>,
    pub history: HistoryPolicy,
    pub closed: bool,
}

/// A member or former member.
#[derive(Clone, Debug)]
pub struct Member {
    pub user: Uuid,
    /// `None` for a former member.
    pub role: Option<Role>,
    pub joined: Option<(Seq, Timestamp)>,
    pub periods: Vec<Period>,
}

/// A message of the file, in the order of their seqs.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: Uuid,
    /// Its id in the other chat.
    pub source: String,
    pub sender: Uuid,
    pub sent_at: Timestamp,
    /// `None` for a message that was deleted.
    pub text: Option<String>,
    pub mentions: Vec<Uuid>,
    /// The message in the other chat that it answers.
    pub reply_to: Option<String>,
    pub edited_at: Option<Timestamp>,
    /// The users who gave each emoji.
    pub reactions: BTreeMap<String, BTreeSet<Uuid>>,
}

/// Writes the lines of a file that can be imported.
#[derive(Debug, Default)]
pub struct Archive {
    users: Vec<Value>,
    conversations: Vec<Value>,
    members: Vec<Value>,
    messages: Vec<(String, Vec<u8>)>,
    pub summary: Summary,
}

impl Archive {
    pub fn add_user(&mut self, id: Uuid, name: &str, subject: Option<&str>) {
        let name = shortened(name, MAX_DISPLAY_NAME_CHARS);
        let mut line = json!({ "user_id": id });
        if let Ok(name) = DisplayName::parse(&name) {
            line["display_name"] = json!(name.as_str());
        }
        if let Some(subject) = subject {
            line["subject"] = json!(subject);
        }
        self.users.push(line);
        self.summary.users += 1;
    }

    /// Adds a conversation with its messages, oldest first. Those that show nothing are left out.
    pub fn add(&mut self, conversation: &Conversation, members: &[Member], messages: &[Message]) {
        let Conversation { id, kind, history, closed, .. } = conversation;
        let mut line = json!({"conversation_id": id, "type": kind, "history": history, "closed": closed});
        let text = conversation.title.as_deref().map(|text| shortened(text, MAX_TITLE_CHARS));
        if let Some(title) = text.and_then(|text| title(&text).ok()) {
            line["title"] = json!(title);
        }
        let text = conversation.topic.as_deref().map(|text| shortened(text, MAX_TOPIC_CHARS));
        if let Some(topic) = text.and_then(|text| topic(&text).ok().flatten()) {
            line["topic"] = json!(topic);
        }
        self.conversations.push(line);
        self.summary.conversations += 1;
        for member in members {
            let mut line = json!({"conversation_id": id, "user_id": member.user});
            if let Some(role) = member.role {
                line["role"] = json!(role);
            }
            if let Some((seq, at)) = member.joined {
                (line["joined_seq"], line["joined_at"]) = (json!(seq), json!(at));
            }
            if !member.periods.is_empty() {
                line["periods"] = json!(member.periods);
            }
            self.members.push(line);
        }
        self.add_messages(*id, messages);
    }

    fn add_messages(&mut self, conversation: Uuid, messages: &[Message]) {
        let (mut bytes, mut entry) = (Vec::new(), 1);
        let mut seqs: BTreeMap<&str, u64> = BTreeMap::new();
        let mut seq = 0;
        let mut last = Timestamp::MIN;
        for message in messages {
            // A time that runs backwards is that of a clock that did.
            last = last.max(message.sent_at);
            let reply_to = message.reply_to.as_deref().and_then(|source| seqs.get(source).copied());
            let parts =
                message.text.as_deref().map_or_else(|| vec![None], |text| parts(text).into_iter().map(Some).collect());
            for (number, part) in parts.into_iter().enumerate() {
                seq += 1;
                if number == 0 {
                    seqs.insert(&message.source, seq);
                }
                let id = if number == 0 { message.id } else { Uuid::new_v5(&message.id, &number.to_be_bytes()) };
                let mut line = json!({
                    "conversation_id": conversation, "seq": seq, "message_id": id, "sender_id": message.sender, "sent_at": last,
                });
                match part {
                    Some(part) => text_of(&mut line, message, part, reply_to, number == 0),
                    None => line["kind"] = json!("deleted"),
                }
                bytes.extend(format!("{line}\n").into_bytes());
                self.summary.messages += 1;
            }
            if bytes.len() >= ENTRY_BYTES {
                self.messages.push((entry_name(conversation, entry), std::mem::take(&mut bytes)));
                entry += 1;
            }
        }
        if !bytes.is_empty() {
            self.messages.push((entry_name(conversation, entry), bytes));
        }
    }

    /// Ends the file, and returns it with what was left out.
    pub fn finish(self) -> Result<Converted, Error> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let lines = |lines: &[Value]| lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
        let mut entries: Vec<(String, Vec<u8>)> = vec![
            ("users.jsonl".to_owned(), lines(&self.users)),
            ("conversations.jsonl".to_owned(), lines(&self.conversations)),
            ("members.jsonl".to_owned(), lines(&self.members)),
        ];
        entries.extend(self.messages);
        for (name, bytes) in entries.into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
            let written = writer.start_file(name.as_str(), SimpleFileOptions::default());
            written.map_err(|source| Error::Zip { file: name.clone(), source })?;
            writer.write_all(&bytes).map_err(|source| Error::Io { file: name, source })?;
        }
        let file = writer.finish().map_err(|source| Error::Zip { file: "the file".to_owned(), source })?;
        Ok(Converted { file: file.into_inner(), summary: self.summary })
    }
}

/// Writes the content of a text. Only the first part of a long one has more than that.
fn text_of(line: &mut Value, message: &Message, part: &str, reply_to: Option<u64>, is_first: bool) {
    (line["kind"], line["text"]) = (json!("text"), json!(part));
    if !is_first {
        return;
    }
    if !message.mentions.is_empty() {
        let mentions: BTreeSet<&Uuid> = message.mentions.iter().collect();
        line["mentions"] = json!(mentions.into_iter().take(MAX_MENTIONS).collect::<Vec<_>>());
    }
    if let Some(seq) = reply_to {
        line["reply_to_seq"] = json!(seq);
    }
    if let Some(at) = message.edited_at {
        line["edited_at"] = json!(at);
    }
    let mut room = MAX_REACTIONS;
    let reactions = message.reactions.iter().map(|(emoji, users)| {
        let users: Vec<&Uuid> = users.iter().take(room).collect();
        room -= users.len();
        json!({"emoji": emoji, "count": users.len(), "user_ids": users})
    });
    let reactions: Vec<Value> = reactions.filter(|reaction| reaction["count"] != 0).collect();
    if !reactions.is_empty() {
        line["reactions"] = json!(reactions);
    }
}

/// Returns true for a text that a message can have.
pub fn shows_something(text: &str) -> bool {
    !is_blank(text)
}

/// Cuts a text into parts that a message has room for, at the ends of lines or words where there are some.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while rest.len() > MAX_TEXT_BYTES {
        let most = rest.floor_char_boundary(PART_BYTES);
        let at = rest[..most].rfind('\n').or_else(|| rest[..most].rfind(' ')).filter(|at| *at > most / 2);
        let (part, after) = rest.split_at(at.unwrap_or(most));
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts.retain(|part| shows_something(part));
    parts
}

/// Returns at most so many characters of a line, without its line breaks.
fn shortened(text: &str, max_chars: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().chars().take(max_chars).collect()
}

fn entry_name(conversation: Uuid, entry: u32) -> String {
    if entry == 1 { format!("messages/{conversation}.jsonl") } else { format!("messages/{conversation}.{entry}.jsonl") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_become_several_messages() {
        let text = "word ".repeat(5000);
        let parts = parts(&text);
        assert!(parts.len() > 3 && parts.iter().all(|part| part.len() <= MAX_TEXT_BYTES));
        assert_eq!(parts.concat(), text);
        assert!(super::parts(&"é".repeat(9000)).iter().all(|part| part.len() <= MAX_TEXT_BYTES));
        assert_eq!(shortened(" a\nb ", 10), "a b");
    }
}
