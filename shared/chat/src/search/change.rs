//! The change of the index that an item of the log asks for.

use domain::search::{Analysis, Has, has_link};
use domain::{MessageKind, Seq};
use store::dynamodb::LogItem;
use store::opensearch::{Change, Document, DocumentId};

/// Returns the change that makes the index show this item, or no longer; `None` for an item that is never found.
pub fn change_of(item: &LogItem) -> Option<Change> {
    let (conversation_id, seq) = (item.conversation_id, item.seq);
    let content = match &item.kind {
        MessageKind::Text(content) => content,
        MessageKind::Deleted { deleted_seq, .. } => {
            // Without an event the message has expired, and nothing follows.
            let version = deleted_seq.unwrap_or(Seq::MAX).max(version(item));
            return Some(Change::Delete { id: DocumentId { conversation_id, seq }, version });
        }
        _ => return None,
    };
    let edit = item.edits.last();
    let (text, mentions) = edit.map_or((&content.text, &content.mentions), |edit| (&edit.text, &edit.mentions));
    let names: Vec<String> = content.attachments.iter().map(|file| terms(file.name.as_str())).collect();
    let has = [
        (Has::File, !content.attachments.is_empty()),
        (Has::Link, has_link(text)),
        (Has::Mention, !mentions.is_empty()),
    ];
    Some(Change::Put(Document {
        conversation_id,
        seq,
        sender_id: item.sender_id,
        sent_at: item.sent_at,
        version: version(item),
        terms: terms(text),
        files: names.join(" "),
        has: has.into_iter().filter_map(|(has, is_there)| is_there.then_some(has)).collect(),
        mentions: mentions.clone(),
    }))
}

/// Returns the seq of the newest event about the item, or its own.
fn version(item: &LogItem) -> Seq {
    item.amended.map_or(item.seq, |amended| amended.seq)
}

fn terms(text: &str) -> String {
    Analysis::of(text).terms().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use domain::message::Edit;
    use domain::{Content, ConversationId, Timestamp, UserId};
    use store::dynamodb::messages::AmendedBy;
    use uuid::Uuid;

    use super::*;

    fn item(kind: MessageKind) -> LogItem {
        let sent_at = Timestamp::from_epoch_millis(1_764_000_000_123);
        LogItem::new(ConversationId(Uuid::nil()), Seq(7), UserId(Uuid::max()), sent_at, Seq(1), kind)
    }

    fn text(text: &str) -> MessageKind {
        MessageKind::Text(Content::new(text.to_owned(), None, Vec::new()).unwrap())
    }

    fn document(item: &LogItem) -> Document {
        match change_of(item) {
            Some(Change::Put(document)) => document,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_document_has_the_newest_text_and_its_version() {
        let mut item = item(text("Ärger: https://a.example"));
        let first = document(&item);
        assert_eq!(
            (first.terms.as_str(), first.version, first.has),
            ("arger https a example", Seq(7), vec![Has::Link])
        );
        let user = UserId(Uuid::nil());
        item.edits = vec![Edit {
            seq: Seq(9),
            edited_at: item.sent_at,
            text: "東京!".to_owned(),
            mentions: vec![user],
            custom: None,
        }];
        item.amended = Some(AmendedBy { seq: Seq(12), members_seq: Seq(1) });
        let edited = document(&item);
        assert_eq!((edited.terms.as_str(), edited.version), ("東京 京", Seq(12)));
        assert_eq!((edited.has, edited.mentions), (vec![Has::Mention], vec![user]));
    }

    #[test]
    fn a_deleted_message_is_deleted_and_others_are_never_there() {
        let deleted = MessageKind::Deleted { deleted_by: None, deleted_seq: Some(Seq(20)), deleted_at: None };
        let id = DocumentId { conversation_id: ConversationId(Uuid::nil()), seq: Seq(7) };
        assert_eq!(change_of(&item(deleted)), Some(Change::Delete { id, version: Seq(20) }));
        assert_eq!(change_of(&item(MessageKind::Closed)), None);
        assert_eq!(change_of(&item(MessageKind::MessageDeleted { target_seq: Seq(3) })), None);
    }
}
