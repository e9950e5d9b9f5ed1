//! From the messages of a file to the items of a log.

use std::collections::{BTreeMap, BTreeSet};

use domain::conversation::Member;
use domain::message::{Edit, MAX_TEXT_BYTES};
use domain::reaction::{Emoji, Reactions};
use domain::{Attachment, Content, ConversationId, FileId, Message, MessageId, MessageKind, Seq, Timestamp, UserId};
use store::dynamodb::LogItem;
use uuid::Uuid;

use super::cursor::LogEnd;
use super::layout::FileEntry;
use super::plan::{Ids, PlannedConversation, UNTITLED};
use crate::erasure::erase_words;

/// Most members whom the item names that begins a log.
const MAX_NAMED_MEMBERS: usize = 1_000;

/// Makes the items of one conversation's log. The same message always makes the same item.
pub(super) struct LogWriter<'a> {
    pub(super) ids: Ids<'a>,
    pub(super) planned: &'a PlannedConversation,
    /// The conversation as it is here.
    pub(super) conversation_id: ConversationId,
    /// The bytes of files that the import has, by their ids there.
    pub(super) files: &'a BTreeMap<FileId, FileEntry>,
    pub(super) end: LogEnd,
    /// Users who are erased here.
    pub(super) erased: &'a BTreeSet<UserId>,
    /// Whoever wrote or reacted so far.
    pub(super) authors: BTreeSet<UserId>,
    /// Number of messages without their words.
    pub(super) erased_messages: u64,
}

impl LogWriter<'_> {
    /// Makes the item that begins a log, for a file that does not have it.
    pub(super) fn begin(&mut self, created_at: Timestamp) -> LogItem {
        let planned = self.planned;
        let memberships = planned.memberships();
        let current = memberships.iter().filter_map(|(user, current, _)| Some((*user, (*current)?)));
        // Others have joined since.
        let first = current.filter(|(_, current)| planned.seqs.joined(current.joined_seq) == Seq(1));
        let members: Vec<Member> =
            first.map(|(user, current)| Member::new(self.ids.user(user), current.role)).collect();
        let sender = planned.beginner().map_or(UserId::SYSTEM, |user| self.ids.user(user));
        let sent_at = planned.begun_at(created_at);
        let line = &planned.line;
        let is_private = line.kind == domain::ConversationType::Private;
        let mut kind = MessageKind::Created {
            conversation_type: line.kind,
            title: (!is_private).then(|| line.title.clone().unwrap_or_else(|| UNTITLED.to_owned())),
            topic: line.topic.clone(),
            custom: line.custom.clone(),
            history: line.history,
            // The item of a large public conversation would be too large.
            members: members.into_iter().take(MAX_NAMED_MEMBERS).collect(),
        };
        if self.erased.contains(&sender) {
            self.erase(sender, &mut kind);
        }
        self.authors.insert(sender);
        let message_id = MessageId(self.ids.space.part(line.conversation_id, "created"));
        self.item(message_id, sender, sent_at, kind)
    }

    /// Makes the item of a message.
    pub(super) fn next(&mut self, message: Message) -> LogItem {
        let Message { message_id, sender_id, sent_at, edited_at, reactions, kind, .. } = message;
        let sender = self.ids.user(sender_id);
        self.authors.insert(sender);
        let is_erased = self.erased.contains(&sender);
        let mut kind = self.kind(kind);
        if is_erased {
            self.erase(sender, &mut kind);
        }
        let reactions = if is_erased { Vec::new() } else { reactions };
        let mut item = self.item(self.ids.space.message(message_id), sender, sent_at, kind);
        // What happened to the message has no event of its own: it is as old as the message.
        if let (Some(edited_at), MessageKind::Text(content)) = (edited_at, &item.kind) {
            let (text, mentions) = (content.text.clone(), content.mentions.clone());
            item.edits.push(Edit { seq: item.seq, edited_at, text, mentions, custom: None });
        }
        let mut all = Reactions::default();
        for reaction in reactions {
            let Ok(emoji) = Emoji::parse(reaction.emoji.as_str()) else { continue };
            for user in reaction.user_ids {
                let user = self.ids.user(user);
                self.authors.insert(user);
                if self.erased.contains(&user) {
                    continue;
                }
                if !all.has(&emoji, user) && !all.is_full_for(user) {
                    all.add(emoji.clone(), user, item.seq);
                }
            }
        }
        LogItem { reactions: all, ..item }
    }

    fn item(&mut self, message_id: MessageId, sender: UserId, sent_at: Timestamp, kind: MessageKind) -> LogItem {
        let seq = self.end.seq.next();
        let sent_at = if seq == Seq(1) { sent_at } else { sent_at.max(self.end.sent_at.next()) };
        let is_system = !matches!(kind, MessageKind::Text(_) | MessageKind::Deleted { .. });
        if is_system {
            (self.end.members_seq, self.end.changed_at) = (seq, sent_at);
            self.end.changes += 1;
        }
        (self.end.seq, self.end.sent_at) = (seq, sent_at);
        let item = LogItem::new(self.conversation_id, seq, sender, sent_at, self.end.members_seq, kind);
        // Random ones would make another item of a repetition.
        LogItem { message_id, attempt: Uuid::nil(), ..item }.counted()
    }

    /// Takes out what an erased user wrote.
    fn erase(&mut self, user: UserId, kind: &mut MessageKind) {
        self.erased_messages += u64::from(matches!(kind, MessageKind::Text(_)));
        erase_words(kind, user, self.end.seq.next(), None);
    }

    fn kind(&self, kind: MessageKind) -> MessageKind {
        let ids = &self.ids;
        let members = |members: Vec<Member>| {
            members.into_iter().map(|member| Member { user_id: ids.user(member.user_id), ..member }).collect()
        };
        match kind {
            MessageKind::Text(content) => MessageKind::Text(self.content(content)),
            MessageKind::Created { conversation_type, title, topic, history, members: named, custom } => {
                MessageKind::Created { conversation_type, title, topic, history, members: members(named), custom }
            }
            MessageKind::MembersAdded { members: named } => MessageKind::MembersAdded { members: members(named) },
            MessageKind::MemberLeft { promoted, closed, user_deleted } => {
                MessageKind::MemberLeft { promoted: promoted.map(|user| ids.user(user)), closed, user_deleted }
            }
            MessageKind::MemberRemoved { user_id } => MessageKind::MemberRemoved { user_id: ids.user(user_id) },
            MessageKind::RoleChanged { user_id, role } => MessageKind::RoleChanged { user_id: ids.user(user_id), role },
            MessageKind::MemberMuted { user_id, muted_until } => {
                MessageKind::MemberMuted { user_id: ids.user(user_id), muted_until }
            }
            MessageKind::Deleted { deleted_by, deleted_at, .. } => MessageKind::Deleted {
                deleted_by: deleted_by.map(|user| ids.user(user)),
                deleted_seq: deleted_by.map(|_| self.end.seq.next()),
                deleted_at,
            },
            MessageKind::PinsChanged { message_seq, on, pinned_seqs } => {
                let here = |seq: Seq| self.planned.seqs.of(seq);
                MessageKind::PinsChanged {
                    // One that the file does not have is named by no seq that exists.
                    message_seq: here(message_seq).unwrap_or(Seq::ZERO),
                    on,
                    pinned_seqs: pinned_seqs.into_iter().filter_map(here).collect(),
                }
            }
            other => other,
        }
    }

    fn content(&self, content: Content) -> Content {
        let Content { mut text, reply_to_seq, mentions, attachments, custom } = content;
        let (here, missing): (Vec<Attachment>, Vec<Attachment>) =
            attachments.into_iter().partition(|attachment| self.files.contains_key(&attachment.file_id));
        for Attachment { name, .. } in missing {
            let note = format!("{}[{}]", if text.is_empty() { "" } else { "\n" }, name.as_str());
            if text.len() + note.len() <= MAX_TEXT_BYTES {
                text.push_str(&note);
            }
        }
        let source = self.planned.line.conversation_id;
        let attachment = |attachment: Attachment| Attachment {
            file_id: self.ids.space.file(source, attachment.file_id),
            size: self.files.get(&attachment.file_id).map_or(attachment.size, |file| file.size),
            // They say that there are thumbnails.
            width: None,
            height: None,
            ..attachment
        };
        Content {
            text,
            reply_to_seq: reply_to_seq.and_then(|seq| self.planned.seqs.of(seq)),
            mentions: mentions.into_iter().map(|user| self.ids.user(user)).collect(),
            attachments: here.into_iter().map(attachment).collect(),
            custom,
        }
    }
}

impl PlannedConversation {
    /// Returns the time of the item that begins a log whose file does not have it.
    pub(super) fn begun_at(&self, created_at: Timestamp) -> Timestamp {
        let first = self.times.map_or(created_at, |(first, _)| first);
        Timestamp::nearest(first.epoch_millis() - 1)
    }

    /// Returns the user who began the conversation, with the id of the file: the sender of its first item, or its first owner.
    pub(super) fn beginner(&self) -> Option<UserId> {
        let memberships = self.memberships();
        let current = memberships.iter().filter_map(|(user, current, _)| Some(((*current)?, *user)));
        let first = current.min_by_key(|(current, user)| (current.role, current.joined_seq, *user));
        self.creator.or(first.map(|(_, user)| user)).or(memberships.first().map(|(user, ..)| *user))
    }
}
