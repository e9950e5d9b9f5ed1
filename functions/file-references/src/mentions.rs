//! The users whom a change of a message mentions.

use domain::{MentionPosition, UserId};
use store::dynamodb::LogItem;

/// Returns the users whom the newest text mentions, and the one before did not, each once.
///
/// What an edit takes back stays recorded: readers look at the message itself.
pub(crate) fn new(before: Option<&LogItem>, after: &LogItem) -> Vec<UserId> {
    let earlier = before.map(LogItem::mentions).unwrap_or_default();
    let mut new: Vec<UserId> = after.mentions().iter().copied().filter(|user| !earlier.contains(user)).collect();
    new.sort_unstable();
    new.dedup();
    new
}

/// Returns the position of a message among those that mention a user: where it was sent, also if an edit came to mention them. So a message has
/// one position, whatever happens to it.
pub(crate) fn position_of(item: &LogItem) -> MentionPosition {
    MentionPosition { sent_at: item.sent_at, conversation_id: item.conversation_id, seq: item.seq }
}

#[cfg(test)]
mod tests {
    use domain::message::Edit;
    use domain::{Content, ConversationId, MessageKind, Seq, Timestamp};

    use super::*;

    fn user(name: &str) -> UserId {
        UserId::from_token("issuer", name)
    }

    fn text(mentions: &[&str]) -> LogItem {
        let mentions = mentions.iter().map(|name| user(name)).collect();
        let kind = MessageKind::Text(Content::new("hello".to_owned(), None, mentions).unwrap());
        LogItem::new(ConversationId::generate(), Seq(2), user("sender"), Timestamp::MIN, Seq(1), kind).counted()
    }

    fn edited(item: &LogItem, mentions: &[&str]) -> LogItem {
        let mut item = item.clone();
        let mentions = mentions.iter().map(|name| user(name)).collect();
        item.edits.push(Edit { seq: Seq(3), edited_at: Timestamp::MIN, text: "a".to_owned(), mentions, custom: None });
        item.counted()
    }

    #[test]
    fn only_those_are_new_whom_the_text_before_did_not_mention() {
        let sent = text(&["bob", "bob"]);
        assert_eq!(new(None, &sent), [user("bob")]);
        assert_eq!(new(Some(&sent), &sent), []);
        let more = edited(&sent, &["bob", "carol"]);
        assert_eq!((new(Some(&sent), &more), more.mention_count), (vec![user("carol")], Some(2)));
        let none = edited(&more, &[]);
        assert_eq!((new(Some(&more), &none), none.mention_count), (vec![], None));
        assert_eq!(position_of(&more), position_of(&sent));
    }
}
