//! What is left of an item when its user is erased.

use domain::reaction::Reactions;
use domain::{MessageKind, Seq, Timestamp, UserId};
use store::dynamodb::LogItem;
use store::dynamodb::members::ErasedAt;
use store::dynamodb::messages::AmendedBy;

use crate::archive::Change;

/// Erases what a user wrote, by the item that says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Eraser {
    pub(super) user: UserId,
    pub(super) by: ErasedAt,
}

impl Eraser {
    /// Erases what the user wrote in an item, and the user's reactions to it. The seq, the sender and the time stay.
    pub(super) fn erase(&self, item: &mut LogItem) -> Change {
        if item.seq >= self.by.seq {
            return Change::None;
        }
        let mut is_changed = false;
        if item.sender_id == self.user {
            // A fingerprint tells a text to whoever can guess it.
            is_changed |= item.client_message_id.take().is_some() | item.digest.take().is_some();
            is_changed |= self.erase_content(item);
        }
        is_changed |= item.reactions.forget(self.user) > 0;
        self.changed(item, is_changed)
    }

    /// Erases the user's reactions to an item.
    pub(super) fn erase_reactions(&self, item: &mut LogItem) -> Change {
        let is_changed = item.reactions.forget(self.user) > 0;
        self.changed(item, is_changed)
    }

    /// Returns the message that an item of the user reacts to.
    pub(super) fn reacted_to(&self, item: &LogItem) -> Option<Seq> {
        match item.kind {
            MessageKind::Reaction { target_seq, .. } if item.sender_id == self.user => Some(target_seq),
            _ => None,
        }
    }

    /// Returns the messages and reactions of the user in an item.
    pub(super) fn count(&self, item: &LogItem) -> (u64, u64) {
        let is_message = item.sender_id == self.user && matches!(item.kind, MessageKind::Text(_));
        (u64::from(is_message), item.reactions.clone().forget(self.user) as u64)
    }

    fn erase_content(&self, item: &mut LogItem) -> bool {
        if let MessageKind::Text(_) = item.kind {
            item.edits.clear();
            item.reactions = Reactions::default();
            (item.file_count, item.mention_count) = (None, None);
        }
        erase_words(&mut item.kind, self.user, self.by.seq, Some(self.by.at))
    }

    /// Names the item that says so as the newest event about a changed one.
    fn changed(&self, item: &mut LogItem, is_changed: bool) -> Change {
        if is_changed {
            item.amended = Some(AmendedBy { seq: self.by.seq, members_seq: self.by.seq });
            return Change::Changed;
        }
        let is_done = item.amended.is_some_and(|amended| amended.seq == self.by.seq);
        if is_done { Change::Done } else { Change::None }
    }
}

/// Takes out what its sender wrote, who is erased; a text becomes a deleted message. Returns true if there was something.
pub(crate) fn erase_words(
    kind: &mut MessageKind,
    sender: UserId,
    deleted_seq: Seq,
    deleted_at: Option<Timestamp>,
) -> bool {
    match kind {
        MessageKind::Text(_) => {
            *kind = MessageKind::Deleted { deleted_by: Some(sender), deleted_seq: Some(deleted_seq), deleted_at };
        }
        MessageKind::Created { title, topic, custom, .. } => {
            return title.take().is_some() | topic.take().is_some() | custom.take().is_some();
        }
        MessageKind::TitleChanged { .. }
        | MessageKind::TopicChanged { .. }
        | MessageKind::CustomChanged { .. }
        | MessageKind::Reaction { .. } => {
            *kind = MessageKind::UserErased { user_id: sender };
        }
        // Ids, roles and times.
        MessageKind::MembersAdded { .. }
        | MessageKind::MemberLeft { .. }
        | MessageKind::MemberRemoved { .. }
        | MessageKind::RoleChanged { .. }
        | MessageKind::MemberMuted { .. }
        | MessageKind::RetentionChanged { .. }
        | MessageKind::PinsChanged { .. }
        | MessageKind::Closed
        | MessageKind::Deleted { .. }
        | MessageKind::MessageEdited { .. }
        | MessageKind::MessageDeleted { .. }
        | MessageKind::UserErased { .. } => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use domain::message::Edit;
    use domain::reaction::Emoji;
    use domain::{ClientMessageId, Content, ConversationId, ConversationType, HistoryPolicy};
    use uuid::Uuid;

    use super::*;

    const AT: Timestamp = Timestamp::from_epoch_millis(1_800_000_000_000);

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn eraser() -> Eraser {
        Eraser { user: user(1), by: ErasedAt { seq: Seq(90), at: AT } }
    }

    fn item(seq: u64, sender: UserId, kind: MessageKind) -> LogItem {
        let id = ConversationId(Uuid::nil());
        LogItem {
            client_message_id: Some(ClientMessageId(Uuid::from_u128(7))),
            digest: Some("digest".to_owned()),
            ..LogItem::new(id, Seq(seq), sender, Timestamp::MIN, Seq(1), kind)
        }
    }

    fn text(seq: u64, sender: UserId) -> LogItem {
        let mut item = item(seq, sender, MessageKind::Text(Content::new("secret".to_owned(), None, vec![]).unwrap()));
        item.edits =
            vec![Edit { seq: Seq(8), edited_at: AT, text: "secret".to_owned(), mentions: vec![], custom: None }];
        (item.file_count, item.mention_count) = (Some(1), Some(1));
        for reacting in [user(1), user(2)] {
            item.reactions.add(Emoji::parse("👍").unwrap(), reacting, Seq(9));
        }
        item
    }

    #[test]
    fn messages_of_the_user_become_deleted_ones() {
        let mut own = text(5, user(1));
        assert_eq!(eraser().count(&own), (1, 1));
        assert_eq!(eraser().erase(&mut own), Change::Changed);
        let json = serde_json::to_string(&own).unwrap();
        assert!(!json.contains("secret") && !json.contains("digest"), "{json}");
        let deleted =
            MessageKind::Deleted { deleted_by: Some(user(1)), deleted_seq: Some(Seq(90)), deleted_at: Some(AT) };
        assert_eq!((&own.kind, own.file_count, own.membership_seq()), (&deleted, None, Seq(90)));
        assert_eq!(own, own.clone().counted());
        assert!(own.reactions.is_empty());
        assert_eq!(eraser().erase(&mut own), Change::Done);
        assert_eq!(eraser().count(&own), (0, 0));
    }

    #[test]
    fn of_others_only_the_reactions_go() {
        let mut other = text(5, user(2));
        let before = other.clone();
        assert_eq!(eraser().erase(&mut other), Change::Changed);
        assert_eq!((&other.kind, &other.edits, &other.digest), (&before.kind, &before.edits, &before.digest));
        let thumb = Emoji::parse("👍").unwrap();
        assert!(!other.reactions.has(&thumb, user(1)) && other.reactions.has(&thumb, user(2)));
        let mut unconcerned = text(5, user(3));
        unconcerned.reactions.forget(user(1));
        assert_eq!(eraser().erase(&mut unconcerned), Change::None);
    }

    #[test]
    fn other_items_of_the_user_keep_their_place_without_words() {
        let reaction = MessageKind::Reaction { target_seq: Seq(3), emoji: Emoji::parse("👍").unwrap(), on: true };
        let mut event = item(6, user(1), reaction);
        assert_eq!(eraser().reacted_to(&event), Some(Seq(3)));
        eraser().erase(&mut event);
        assert_eq!(event.kind, MessageKind::UserErased { user_id: user(1) });
        let mut created = item(
            1,
            user(1),
            MessageKind::Created {
                conversation_type: ConversationType::Group,
                title: Some("secret".to_owned()),
                topic: Some("secret".to_owned()),
                history: HistoryPolicy::Full,
                members: Vec::new(),
                custom: domain::Custom::stored(r#"{"a":"secret"}"#).ok(),
            },
        );
        eraser().erase(&mut created);
        assert!(!serde_json::to_string(&created).unwrap().contains("secret"));
        let mut titled = item(7, user(1), MessageKind::TitleChanged { title: "secret".to_owned() });
        eraser().erase(&mut titled);
        assert_eq!(titled.kind, MessageKind::UserErased { user_id: user(1) });
        let mut later = text(90, user(1));
        assert_eq!(eraser().erase(&mut later), Change::None, "nothing of the user follows");
    }
}
