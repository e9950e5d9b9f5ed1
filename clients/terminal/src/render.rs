//! Messages as lines of text.

use chrono::{DateTime, Local};
use client::domain::file::Attachment;
use client::domain::{Content, Message, MessageKind, Timestamp, UserId};

/// Longest quotation of another message, in characters.
const MAX_QUOTED_CHARS: usize = 60;

/// How far one of the user's own messages has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tick {
    Sent,
    Delivered,
    Read,
}

impl Tick {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "✓",
            Self::Delivered => "✓✓",
            Self::Read => "✓✓ read",
        }
    }
}

/// Returns the lines of an item; none for an item that has nothing to show. `name` returns the display name of a user.
pub(crate) fn lines(message: &Message, tick: Option<Tick>, name: impl Fn(UserId) -> String) -> Vec<String> {
    let (time, seq, sender) = (time(message.sent_at), message.seq, name(message.sender_id));
    let notice = |text: String| vec![format!("{time} * {text}")];
    match &message.kind {
        MessageKind::Text(content) => {
            let edited = if message.edited_at.is_some() { " (edited)" } else { "" };
            let tick = tick.map_or_else(String::new, |tick| format!("  {}", tick.as_str()));
            let reply = content.reply_to_seq.map_or_else(String::new, |target| format!(" (to #{target})"));
            let mut lines = vec![format!("{time} #{seq} {sender}{reply}: {}{edited}{tick}", indented(&content.text))];
            lines.extend(content.attachments.iter().map(|file| format!("      {}  (/save #{seq})", attachment(file))));
            if !message.reactions.is_empty() {
                let counts =
                    message.reactions.iter().map(|reaction| format!("{} {}", reaction.emoji.as_str(), reaction.count));
                lines.push(format!("      {}", counts.collect::<Vec<_>>().join("  ")));
            }
            lines
        }
        MessageKind::Deleted { .. } => vec![format!("{time} #{seq} {sender}: (deleted)")],
        MessageKind::MessageEdited { target_seq, content } => match content {
            Some(content) => notice(format!("{sender} edited #{target_seq}: {}", indented(&content.text))),
            None => Vec::new(),
        },
        MessageKind::MessageDeleted { target_seq } => notice(format!("{sender} deleted #{target_seq}")),
        MessageKind::Reaction { target_seq, emoji, on } => {
            let verb = if *on { "reacted with" } else { "took back" };
            notice(format!("{sender} {verb} {} on #{target_seq}", emoji.as_str()))
        }
        MessageKind::UserErased { user_id } => notice(format!("what {} wrote is erased", name(*user_id))),
        MessageKind::Created { title, .. } => notice(match title {
            Some(title) => format!("{sender} began {}", clean(title)),
            None => format!("{sender} began this conversation"),
        }),
        MessageKind::MembersAdded { members } => {
            let names = members.iter().map(|member| name(member.user_id)).collect::<Vec<_>>();
            notice(format!("{sender} added {}", names.join(", ")))
        }
        MessageKind::MemberLeft { promoted, .. } => notice(match promoted {
            Some(owner) => format!("{sender} left; {} is the owner now", name(*owner)),
            None => format!("{sender} left"),
        }),
        MessageKind::MemberRemoved { user_id } => notice(format!("{sender} removed {}", name(*user_id))),
        MessageKind::RoleChanged { user_id, role } => {
            notice(format!("{sender} made {} {}", name(*user_id), role.as_str()))
        }
        MessageKind::MemberMuted { user_id, muted_until } => notice(match muted_until {
            Some(until) => format!("{sender} muted {} until {}", name(*user_id), self::time(*until)),
            None => format!("{sender} lets {} write again", name(*user_id)),
        }),
        MessageKind::TitleChanged { title } => notice(format!("{sender} changed the title to {}", clean(title))),
        MessageKind::TopicChanged { topic: Some(topic) } => {
            notice(format!("{sender} changed the topic to {}", clean(topic)))
        }
        MessageKind::TopicChanged { topic: None } => notice(format!("{sender} removed the topic")),
        MessageKind::PinsChanged { message_seq, on: true, .. } => notice(format!("{sender} pinned #{message_seq}")),
        MessageKind::PinsChanged { message_seq, .. } => notice(format!("{sender} unpinned #{message_seq}")),
        MessageKind::CustomChanged { .. } => notice(format!("{sender} changed what the app has added")),
        MessageKind::RetentionChanged { retention_days: Some(days) } => {
            notice(format!("{sender} lets messages expire after {days} days"))
        }
        MessageKind::RetentionChanged { retention_days: None } => {
            notice(format!("{sender} leaves it to the operator how long messages are kept"))
        }
        MessageKind::Closed => notice(format!("{sender} closed the conversation")),
    }
}

/// Returns the users that an item names.
pub(crate) fn users(message: &Message) -> Vec<UserId> {
    let mut users = vec![message.sender_id];
    match &message.kind {
        MessageKind::MembersAdded { members } => users.extend(members.iter().map(|member| member.user_id)),
        MessageKind::MemberLeft { promoted, .. } => users.extend(promoted),
        MessageKind::MemberRemoved { user_id }
        | MessageKind::RoleChanged { user_id, .. }
        | MessageKind::MemberMuted { user_id, .. } => users.push(*user_id),
        _ => {}
    }
    users
}

/// Returns the beginning of a text on one line.
pub(crate) fn quoted(content: &Content) -> String {
    let text = if content.text.is_empty() {
        content.attachments.first().map(attachment).unwrap_or_default()
    } else {
        clean(&content.text.replace('\n', " "))
    };
    match text.char_indices().nth(MAX_QUOTED_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn attachment(file: &Attachment) -> String {
    format!("[{}, {}]", clean(file.name.as_str()), size(file.size))
}

/// Returns a size that people read.
pub(crate) fn size(bytes: u64) -> String {
    let mut unit = 1_u64;
    for name in ["bytes", "kB", "MB", "GB"] {
        if bytes < unit * 1000 || name == "GB" {
            // Tenths, rounded down, of all units but the first.
            let tenths = bytes % unit * 10 / unit;
            return if tenths == 0 {
                format!("{} {name}", bytes / unit)
            } else {
                format!("{}.{tenths} {name}", bytes / unit)
            };
        }
        unit *= 1000;
    }
    String::new()
}

/// Returns the local time, with the day if it is not today.
pub(crate) fn time(at: Timestamp) -> String {
    let Some(time) = DateTime::from_timestamp_millis(at.epoch_millis()).map(|time| time.with_timezone(&Local)) else {
        return at.to_string();
    };
    let today = Local::now().date_naive() == time.date_naive();
    time.format(if today { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// Later lines of a text are below its first one.
fn indented(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n      ")
}

/// Returns the text without what would command the terminal or turn the line: control characters and directional formatting. Others
/// write it.
pub(crate) fn clean(text: &str) -> String {
    let visible = |c: char| match c {
        '\t' => ' ',
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => '\u{FFFD}',
        c if c.is_control() => '\u{FFFD}',
        c => c,
    };
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use client::domain::{ConversationId, MessageId, Seq};

    use super::*;

    fn user(number: u128) -> UserId {
        format!("00000000-0000-5000-8000-{number:012}").parse().unwrap()
    }

    fn item(kind: MessageKind) -> Message {
        let sent_at = Timestamp::now();
        Message {
            conversation_id: ConversationId::generate(),
            seq: Seq(5),
            message_id: MessageId::generate(sent_at),
            sender_id: user(1),
            sent_at,
            client_message_id: None,
            edited_at: None,
            reactions: Vec::new(),
            kind,
        }
    }

    fn shown(message: &Message, tick: Option<Tick>) -> String {
        let name = |id| if id == user(1) { "Alice".to_owned() } else { "Bob".to_owned() };
        lines(message, tick, name).join("\n").replace(&time(message.sent_at), "12:00")
    }

    fn content(text: &str) -> Content {
        Content {
            text: text.to_owned(),
            reply_to_seq: None,
            mentions: Vec::new(),
            attachments: Vec::new(),
            custom: None,
        }
    }

    #[test]
    fn texts_have_time_seq_name_and_tick() {
        let mut message = item(MessageKind::Text(content("one\ntwo")));
        assert_eq!(shown(&message, Some(Tick::Sent)), "12:00 #5 Alice: one\n      two  ✓");
        message.edited_at = Some(message.sent_at);
        message.kind = MessageKind::Text(Content { reply_to_seq: Some(Seq(3)), ..content("one") });
        assert_eq!(shown(&message, Some(Tick::Read)), "12:00 #5 Alice (to #3): one (edited)  ✓✓ read");
    }

    #[test]
    fn changes_are_said() {
        for (kind, expected) in [
            (MessageKind::MessageDeleted { target_seq: Seq(3) }, "12:00 * Alice deleted #3"),
            (
                MessageKind::MessageEdited { target_seq: Seq(3), content: Some(content("b")) },
                "12:00 * Alice edited #3: b",
            ),
            (MessageKind::MessageEdited { target_seq: Seq(3), content: None }, ""),
            (MessageKind::MemberRemoved { user_id: user(2) }, "12:00 * Alice removed Bob"),
            (MessageKind::TopicChanged { topic: None }, "12:00 * Alice removed the topic"),
            (
                MessageKind::RetentionChanged { retention_days: Some(7) },
                "12:00 * Alice lets messages expire after 7 days",
            ),
        ] {
            assert_eq!(shown(&item(kind), None), expected);
        }
    }

    #[test]
    fn a_text_cannot_command_the_terminal() {
        let message = item(MessageKind::Text(content("\u{1b}[2Jgone\u{9b}31m\r\u{202e}evil\u{7}")));
        let shown = shown(&message, None);
        assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{shown:?}");
        assert!(shown.contains("gone") && shown.contains("evil"));
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, expected) in
            [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (1550, "1.5 kB"), (5_368_709_120, "5.3 GB")]
        {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn quotations_are_one_short_line() {
        assert_eq!(quoted(&content("a\nb")), "a b");
        assert_eq!(quoted(&content(&"é".repeat(100))).chars().count(), MAX_QUOTED_CHARS + 1);
    }
}
