//! The client's copy of one conversation.
//!
//! There is one cursor, the highest seq without a gap below it; the replica has every visible item up to it. Items at or below
//! the cursor are dropped, and items beyond the next seq are held until the gap is filled.
//!
//! Reactions are counted from their events alone. A message that arrives by sync has counts which include events that still
//! follow, so adding both would count twice. All events are in the log, and each names its user.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::protocol::SyncedConversation;
use domain::reaction::Emoji;
use domain::{Message, MessageKind, Receipt, ReceiptKind, Seq, UserId};
use tokio::time::Instant;

/// The known state of a conversation.
#[derive(Clone, Debug, Default)]
pub struct Replica {
    /// The highest seq without a gap below it.
    pub cursor: Seq,
    /// The visible items up to the cursor, with edits and deletions applied. Events are included at their own seqs.
    pub items: BTreeMap<Seq, Message>,
    /// Reactions by message, emoji and user.
    pub reactions: BTreeMap<Seq, BTreeMap<Emoji, BTreeSet<UserId>>>,
    /// Ranges of seqs up to the cursor that the user cannot see, ascending: first and last seq.
    pub hidden: Vec<(Seq, Seq)>,
    /// Everything up to this seq has expired: it is gone from `items`.
    pub expired_seq: Seq,
    /// Watermarks of other users, which never move backwards.
    pub marks: BTreeMap<(UserId, ReceiptKind), Receipt>,
    held: BTreeMap<Seq, Message>,
    gap_since: Option<Instant>,
}

impl Replica {
    /// Adds a pushed item; returns the items that became contiguous with it, lowest seq first.
    pub(crate) fn receive(&mut self, message: Message, now: Instant) -> Vec<Message> {
        if message.seq > self.cursor {
            self.held.insert(message.seq, message);
        }
        self.advance(&[], now)
    }

    /// Adds the result of a sync from a cursor not above this one; returns the same as for a pushed item.
    pub(crate) fn catch_up(&mut self, synced: SyncedConversation, now: Instant) -> Vec<Message> {
        for message in synced.messages {
            if message.seq > self.cursor {
                self.held.insert(message.seq, message);
            }
        }
        let applied = self.advance(&synced.hidden, now);
        self.expire(synced.expired_seq);
        // The remaining gap was synced at this very moment: it is held again before the next sync.
        self.gap_since = (!self.held.is_empty()).then_some(now);
        applied
    }

    /// Applies a receipt; returns true if it moved a watermark.
    pub(crate) fn mark(&mut self, receipt: Receipt) -> bool {
        let key = (receipt.user_id, receipt.kind);
        let is_new = self.marks.get(&key).is_none_or(|known| known.seq < receipt.seq);
        if is_new {
            self.marks.insert(key, receipt);
        }
        is_new
    }

    /// Time at which the gap appeared; `None` without a gap.
    pub(crate) fn gap_since(&self) -> Option<Instant> {
        self.gap_since
    }

    /// Returns true if a gap has been held for so long; then it counts as a new gap.
    pub(crate) fn gap_is_over(&mut self, now: Instant, held: Duration) -> bool {
        let over = self.gap_since.is_some_and(|since| since + held <= now);
        if over {
            self.gap_since = Some(now);
        }
        over
    }

    /// Forgets what has expired.
    fn expire(&mut self, expired_seq: Seq) {
        if expired_seq > self.expired_seq {
            self.expired_seq = expired_seq;
            self.items = self.items.split_off(&expired_seq.next());
            self.reactions = self.reactions.split_off(&expired_seq.next());
        }
    }

    fn advance(&mut self, hidden: &[[Seq; 2]], now: Instant) -> Vec<Message> {
        let (before, mut applied) = (self.cursor, Vec::new());
        loop {
            let next = self.cursor.next();
            if let Some(message) = self.held.remove(&next) {
                self.cursor = next;
                applied.push(message.clone());
                self.apply(message);
            } else if let Some([_, last]) = hidden.iter().find(|[first, last]| *first <= next && next <= *last) {
                self.hidden.push((next, *last));
                self.cursor = *last;
            } else {
                break;
            }
        }
        self.held.retain(|seq, _| *seq > self.cursor);
        if self.held.is_empty() {
            self.gap_since = None;
        } else if self.gap_since.is_none() || self.cursor > before {
            self.gap_since = Some(now);
        }
        applied
    }

    fn apply(&mut self, mut message: Message) {
        match &message.kind {
            MessageKind::MessageEdited { target_seq, content: Some(content) } => {
                if let Some(target) = self.items.get_mut(target_seq)
                    && let MessageKind::Text(current) = &mut target.kind
                {
                    current.clone_from(content);
                    target.edited_at = Some(message.sent_at);
                }
            }
            MessageKind::MessageDeleted { target_seq } => {
                self.reactions.remove(target_seq);
                if let Some(target) = self.items.get_mut(target_seq) {
                    target.edited_at = None;
                    target.kind = MessageKind::Deleted {
                        deleted_by: Some(message.sender_id),
                        deleted_seq: Some(message.seq),
                        deleted_at: Some(message.sent_at),
                    };
                }
            }
            MessageKind::UserErased { user_id } => self.forget(*user_id, &message),
            MessageKind::Reaction { target_seq, emoji, on } => self.react(*target_seq, emoji, *on, message.sender_id),
            _ => {}
        }
        message.reactions.clear();
        self.items.insert(message.seq, message);
    }

    /// Forgets everything that a user wrote before an item: of a message the place stays, as of a deleted one.
    fn forget(&mut self, user: UserId, erased: &Message) {
        for (seq, item) in self.items.range_mut(..erased.seq).filter(|(_, item)| item.sender_id == user) {
            match &mut item.kind {
                MessageKind::Text(_) => {
                    let (deleted_seq, deleted_at) = (Some(erased.seq), Some(erased.sent_at));
                    item.kind = MessageKind::Deleted { deleted_by: Some(user), deleted_seq, deleted_at };
                    item.edited_at = None;
                    self.reactions.remove(seq);
                }
                MessageKind::MessageEdited { content, .. } => *content = None,
                MessageKind::Created { title, topic, custom, .. } => (*title, *topic, *custom) = (None, None, None),
                MessageKind::TitleChanged { .. }
                | MessageKind::TopicChanged { .. }
                | MessageKind::CustomChanged { .. }
                | MessageKind::Reaction { .. } => {
                    item.kind = MessageKind::UserErased { user_id: user };
                }
                _ => {}
            }
        }
        for users in self.reactions.values_mut().flat_map(BTreeMap::values_mut) {
            users.remove(&user);
        }
    }

    fn react(&mut self, target: Seq, emoji: &Emoji, on: bool, user: UserId) {
        let is_text = self.items.get(&target).is_some_and(|target| matches!(target.kind, MessageKind::Text(_)));
        if on && is_text {
            self.reactions.entry(target).or_default().entry(emoji.clone()).or_default().insert(user);
        } else if let Some(users) = self.reactions.get_mut(&target).and_then(|emojis| emojis.get_mut(emoji)) {
            users.remove(&user);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Content, ConversationId, MessageId, Timestamp};

    use super::*;

    fn item(seq: u64, kind: MessageKind) -> Message {
        let sent_at = Timestamp::from_epoch_millis(0);
        Message {
            conversation_id: ConversationId(uuid::Uuid::nil()),
            seq: Seq(seq),
            message_id: MessageId::generate(sent_at),
            sender_id: UserId(uuid::Uuid::nil()),
            sent_at,
            client_message_id: None,
            edited_at: None,
            reactions: Vec::new(),
            kind,
        }
    }

    fn text(seq: u64) -> Message {
        item(seq, MessageKind::Text(content("words")))
    }

    fn content(text: &str) -> Content {
        Content::new(text.to_owned(), None, Vec::new()).unwrap()
    }

    fn synced(messages: Vec<Message>, hidden: &[(u64, u64)]) -> SyncedConversation {
        let id = ConversationId(uuid::Uuid::nil());
        let hidden = hidden.iter().map(|(first, last)| [Seq(*first), Seq(*last)]).collect();
        SyncedConversation {
            conversation_id: id,
            conversation: None,
            messages,
            hidden,
            head_seq: Seq(9),
            expired_seq: Seq::ZERO,
            more: false,
        }
    }

    #[test]
    fn early_items_wait_and_repeated_items_are_dropped() {
        let (mut replica, now) = (Replica::default(), Instant::now());
        assert_eq!(replica.receive(text(1), now).len(), 1);
        assert_eq!(replica.receive(text(3), now).len(), 0);
        assert_eq!(replica.gap_since(), Some(now));
        assert_eq!(replica.receive(text(2), now).len(), 2);
        assert_eq!((replica.gap_since(), replica.cursor), (None, Seq(3)));
        assert_eq!(replica.receive(text(2), now).len(), 0);
    }

    #[test]
    fn expired_items_are_forgotten() {
        let (mut replica, now) = (Replica::default(), Instant::now());
        for seq in 1..=3 {
            replica.receive(text(seq), now);
        }
        let later = SyncedConversation { expired_seq: Seq(2), ..synced(vec![text(4)], &[]) };
        replica.catch_up(later, now);
        assert_eq!(replica.items.keys().copied().collect::<Vec<_>>(), [Seq(3), Seq(4)]);
        replica.catch_up(synced(Vec::new(), &[]), now);
        assert_eq!((replica.expired_seq, replica.items.len()), (Seq(2), 2), "what has expired stays so");
    }

    #[test]
    fn cursor_passes_hidden_ranges_only() {
        let (mut replica, now) = (Replica::default(), Instant::now());
        replica.receive(text(6), now);
        replica.catch_up(synced(vec![text(1), text(2)], &[(3, 4)]), now);
        assert_eq!((replica.cursor, replica.gap_since()), (Seq(4), Some(now)));
        replica.catch_up(synced(vec![text(5)], &[]), now);
        assert_eq!((replica.cursor, replica.hidden.as_slice()), (Seq(6), &[(Seq(3), Seq(4))][..]));
    }

    #[test]
    fn what_an_erased_user_wrote_is_forgotten() {
        let (mut replica, now) = (Replica::default(), Instant::now());
        let (erased, other) = (UserId(uuid::Uuid::nil()), UserId(uuid::Uuid::max()));
        let emoji = Emoji::parse("👍").unwrap();
        let react = MessageKind::Reaction { target_seq: Seq(2), emoji: emoji.clone(), on: true };
        replica.receive(text(1), now);
        replica.receive(Message { sender_id: other, ..text(2) }, now);
        replica.receive(item(3, react.clone()), now);
        replica.receive(Message { sender_id: other, ..item(4, react) }, now);
        replica.receive(item(5, MessageKind::MessageEdited { target_seq: Seq(1), content: Some(content("w")) }), now);
        replica.receive(item(6, MessageKind::TitleChanged { title: "words".to_owned() }), now);
        replica.receive(item(7, MessageKind::UserErased { user_id: erased }), now);
        assert!(matches!(replica.items[&Seq(1)].kind, MessageKind::Deleted { deleted_seq: Some(Seq(7)), .. }));
        assert_eq!(replica.items[&Seq(2)].kind, MessageKind::Text(content("words")), "the words of others stay");
        assert_eq!(replica.reactions[&Seq(2)][&emoji].iter().collect::<Vec<_>>(), [&other]);
        assert!(matches!(replica.items[&Seq(5)].kind, MessageKind::MessageEdited { content: None, .. }));
        for seq in [Seq(3), Seq(6)] {
            assert_eq!(replica.items[&seq].kind, MessageKind::UserErased { user_id: erased });
        }
        assert_eq!(replica.cursor, Seq(7));
    }

    #[test]
    fn events_change_their_target() {
        let (mut replica, now) = (Replica::default(), Instant::now());
        let emoji = Emoji::parse("👍").unwrap();
        replica.receive(text(1), now);
        let edited = MessageKind::MessageEdited { target_seq: Seq(1), content: Some(content("better words")) };
        replica.receive(item(2, edited), now);
        assert_eq!(replica.items[&Seq(1)].kind, MessageKind::Text(content("better words")));
        for (seq, on) in [(3, true), (4, true), (5, false)] {
            replica.receive(item(seq, MessageKind::Reaction { target_seq: Seq(1), emoji: emoji.clone(), on }), now);
            assert_eq!(replica.reactions[&Seq(1)][&emoji].len(), usize::from(on));
        }
        replica.receive(item(6, MessageKind::MessageDeleted { target_seq: Seq(1) }), now);
        assert!(matches!(replica.items[&Seq(1)].kind, MessageKind::Deleted { .. }));
        assert!(replica.reactions.is_empty());
    }
}
