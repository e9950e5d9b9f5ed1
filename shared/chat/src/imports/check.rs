//! The check of the whole file, before anything is written.

use domain::conversation::{MAX_PINS, retention_days, title, topic};
use domain::file::{FileName, MAX_ATTACHMENTS};
use domain::import::{MAX_IMPORTED_CONVERSATIONS, MAX_IMPORTED_MEMBERS, MAX_IMPORTED_MESSAGES, MAX_IMPORTED_USERS};
use domain::membership::MAX_GROUP_MEMBERS;
use domain::reaction::{Emoji, MAX_REACTIONS};
use domain::user::DisplayName;
use domain::{Content, ConversationId, ConversationType, Custom, Message, MessageKind, Timestamp, UserId};

use super::errors::Errors;
use super::layout::Kind;
use super::lines::{ConversationLine, MemberLine, UserLine, each_line, parse};
use super::plan::{Plan, PlannedConversation};
use super::seqs::Seqs;

/// Longest subject, as of users whom backends create.
const MAX_SUBJECT_BYTES: usize = 2_048;

impl Plan {
    /// Checks an entry, and notes what it brings.
    pub(super) fn check(&mut self, kind: Kind, name: &str, bytes: &[u8], now: Timestamp, errors: &mut Errors) {
        match kind {
            Kind::Users => each_line(name, bytes, errors, |_, line| self.check_user(line)),
            Kind::Profile => {
                let checked = parse(bytes).and_then(|line: UserLine| {
                    self.owner = Some(line.user_id);
                    self.check_user(line)
                });
                if let Err(message) = checked {
                    errors.add(name, None, message);
                }
            }
            Kind::Conversations => {
                each_line(name, bytes, errors, |number, line| self.check_conversation((name.to_owned(), number), line));
            }
            Kind::Members => each_line(name, bytes, errors, |_, line| self.check_member(line)),
            Kind::Messages(conversation) => self.check_messages(conversation, name, bytes, now, errors),
        }
        if self.users.len() > MAX_IMPORTED_USERS {
            errors.add(name, None, format!("The file names more than {MAX_IMPORTED_USERS} users."));
        }
        if self.members > MAX_IMPORTED_MEMBERS {
            errors.add(name, None, format!("The file has more than {MAX_IMPORTED_MEMBERS} members."));
        }
    }

    fn check_user(&mut self, UserLine { user_id, subject, display_name }: UserLine) -> Result<(), String> {
        if subject.as_ref().is_some_and(|subject| !(1..=MAX_SUBJECT_BYTES).contains(&subject.len())) {
            return Err(format!("`subject` must have 1 to {MAX_SUBJECT_BYTES} bytes."));
        }
        let name = display_name.as_deref().map(DisplayName::parse).transpose().map_err(|error| error.message)?;
        if let Some(subject) = subject {
            self.subject(user_id, subject)?;
        }
        let user = self.user(user_id);
        user.name = name.map(|name| name.as_str().to_owned()).or(user.name.take());
        Ok(())
    }

    fn check_conversation(&mut self, at: (String, u64), mut line: ConversationLine) -> Result<(), String> {
        line.title = line.title.as_deref().map(title).transpose().map_err(|error| error.message)?;
        line.topic = line.topic.as_deref().map(topic).transpose().map_err(|error| error.message)?.flatten();
        line.retention_days.map(retention_days).transpose().map_err(|error| error.message)?;
        line.custom = checked_custom(line.custom.take())?;
        let of_shared = line.title.is_some() || line.topic.is_some() || line.custom.is_some();
        if line.kind == ConversationType::Private && of_shared {
            return Err("A private conversation has no title, no topic and no `custom`.".to_owned());
        }
        if line.pinned_seqs.len() > MAX_PINS {
            return Err(format!("A conversation can have at most {MAX_PINS} pinned messages."));
        }
        if self.conversations.len() >= MAX_IMPORTED_CONVERSATIONS {
            return Err(format!("The file has more than {MAX_IMPORTED_CONVERSATIONS} conversations."));
        }
        let conversation = PlannedConversation {
            at,
            members: std::collections::BTreeMap::new(),
            has_members: false,
            seqs: Seqs::after(1),
            times: None,
            creator: None,
            line,
        };
        match self.conversations.insert(conversation.line.conversation_id, conversation) {
            None => Ok(()),
            Some(_) => Err("The conversation is there twice.".to_owned()),
        }
    }

    fn check_member(&mut self, line: MemberLine) -> Result<(), String> {
        let name = line.display_name.as_deref().map(DisplayName::parse).transpose().map_err(|error| error.message)?;
        let user_id = line.user_id;
        if user_id.is_system() {
            return Err("The system is no member of a conversation.".to_owned());
        }
        let conversation = self.conversations.get_mut(&line.conversation_id).ok_or_else(unknown)?;
        if !conversation.list(line) {
            return Err("The member is there twice.".to_owned());
        }
        self.members += 1;
        let user = self.user(user_id);
        user.name = user.name.take().or(name.map(|name| name.as_str().to_owned()));
        Ok(())
    }

    fn check_messages(&mut self, id: ConversationId, name: &str, bytes: &[u8], now: Timestamp, errors: &mut Errors) {
        let Some(mut conversation) = self.conversations.remove(&id) else {
            return errors.add(name, None, unknown());
        };
        each_line(name, bytes, errors, |_, message: Message| {
            if message.conversation_id != id {
                return Err("The message is of another conversation than its entry.".to_owned());
            }
            check_message(&message, now)?;
            conversation.check_order(&message)?;
            for user in users_of(&message) {
                self.user(user);
            }
            if matches!(message.kind, MessageKind::Created { .. }) {
                if conversation.seqs.count > 0 {
                    return Err("Only the first message can be `created`.".to_owned());
                }
                (conversation.creator, conversation.seqs.offset) = (Some(message.sender_id), 0);
            }
            let members = conversation.members.len();
            conversation.follow(&message);
            self.members += conversation.members.len() - members;
            conversation.seqs.push(message.seq);
            if conversation.seqs.count > MAX_IMPORTED_MESSAGES {
                return Err(format!("A conversation can have at most {MAX_IMPORTED_MESSAGES} messages."));
            }
            let first = conversation.times.map_or(message.sent_at, |(first, _)| first);
            conversation.times = Some((first, message.sent_at));
            Ok(())
        });
        self.conversations.insert(id, conversation);
    }

    /// Checks the whole, once all entries were.
    pub(super) fn finish(&mut self, errors: &mut Errors) {
        if self.conversations.is_empty() && self.users.is_empty() {
            errors.add("", None, "The file has no entry `conversations.jsonl` and no entry `users.jsonl`.");
        }
        let owner = self.owner;
        for conversation in self.conversations.values_mut() {
            if conversation.line.kind == ConversationType::Private {
                for user in [owner, conversation.line.peer_id].into_iter().flatten() {
                    conversation.members.entry(user).or_default();
                }
            }
        }
        let users: Vec<UserId> = self.conversations.values().flat_map(|found| found.members.keys()).copied().collect();
        for user in users {
            self.user(user);
        }
        self.index();
        for conversation in self.conversations.values() {
            if let Err(message) = conversation.check_members() {
                errors.add(&conversation.at.0, Some(conversation.at.1), message);
            }
        }
    }
}

impl PlannedConversation {
    fn check_order(&self, message: &Message) -> Result<(), String> {
        if message.seq == domain::Seq::ZERO || self.seqs.last().is_some_and(|last| message.seq <= last) {
            return Err("`seq` must be larger than that of the message before.".to_owned());
        }
        if self.times.is_some_and(|(_, last)| message.sent_at < last) {
            return Err("`sent_at` must not be earlier than that of the message before.".to_owned());
        }
        Ok(())
    }

    fn check_members(&self) -> Result<(), String> {
        if self.line.kind == ConversationType::Private {
            return match self.pair() {
                Some(_) => Ok(()),
                None => Err("A private conversation has two users.".to_owned()),
            };
        }
        let current = self.memberships().iter().filter(|(_, current, _)| current.is_some()).count();
        if self.line.kind == ConversationType::Group && current > MAX_GROUP_MEMBERS as usize {
            return Err(format!("A group can have at most {MAX_GROUP_MEMBERS} members."));
        }
        Ok(())
    }

    /// Returns the two users of a private conversation, with the ids of the file.
    pub(super) fn pair(&self) -> Option<[UserId; 2]> {
        let users: Vec<UserId> = self.members.keys().copied().filter(|user| !user.is_system()).collect();
        users.try_into().ok()
    }
}

fn unknown() -> String {
    "The conversation is not in `conversations.jsonl`.".to_owned()
}

fn checked_custom(custom: Option<Custom>) -> Result<Option<Custom>, String> {
    Custom::checked(custom).map_err(|error| error.message)
}

/// Checks a message by itself.
fn check_message(message: &Message, now: Timestamp) -> Result<(), String> {
    if message.sent_at > now || message.edited_at.is_some_and(|at| at > now) {
        return Err("`sent_at` and `edited_at` must not be in the future.".to_owned());
    }
    if message.kind.target().is_some() {
        return Err(
            "Events are no part of the format: edits, deletions and reactions are those of the messages.".to_owned()
        );
    }
    match &message.kind {
        MessageKind::Text(content) => check_content(content)?,
        MessageKind::Created { custom, .. } | MessageKind::CustomChanged { custom } => {
            checked_custom(custom.clone())?;
        }
        _ => {}
    }
    let mut reactions = 0;
    for reaction in &message.reactions {
        Emoji::parse(reaction.emoji.as_str()).map_err(|_| format!("{} is not an emoji.", reaction.emoji.as_str()))?;
        reactions += reaction.user_ids.len();
    }
    if reactions > MAX_REACTIONS {
        return Err(format!("A message can have at most {MAX_REACTIONS} reactions."));
    }
    Ok(())
}

fn check_content(content: &Content) -> Result<(), String> {
    let Content { text, reply_to_seq, mentions, attachments, custom } = content.clone();
    let checked = match attachments.len() {
        0 => Content::new(text, reply_to_seq, mentions),
        1..=MAX_ATTACHMENTS => Content::caption(text, reply_to_seq, mentions),
        _ => return Err(format!("A message can have at most {MAX_ATTACHMENTS} files.")),
    };
    checked.and_then(|checked| checked.with_custom(custom)).map_err(|error| error.message)?;
    for attachment in attachments {
        FileName::parse(attachment.name.as_str()).map_err(|error| error.message)?;
    }
    Ok(())
}

/// Returns the users whom a message shows.
fn users_of(message: &Message) -> Vec<UserId> {
    let mut users = vec![message.sender_id];
    users.extend(message.reactions.iter().flat_map(|reaction| reaction.user_ids.iter().copied()));
    match &message.kind {
        MessageKind::Text(content) => users.extend(content.mentions.iter().copied()),
        MessageKind::Deleted { deleted_by, .. } => users.extend(*deleted_by),
        _ => {}
    }
    users.retain(|user| !user.is_system());
    users
}
