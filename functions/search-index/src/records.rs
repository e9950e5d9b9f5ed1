//! The changes of the index that records of the stream ask for.

use aws_lambda_events::dynamodb::EventRecord;
use chat::search::change_of;
use serde_dynamo::from_item;
use store::dynamodb::LogItem;
use store::opensearch::Change;

/// A record of the stream.
#[derive(Debug)]
pub struct Record {
    /// Position in its shard of the stream.
    pub sequence_number: String,
    pub indexed: Indexed,
}

/// What a record means for the index.
#[derive(Debug)]
pub enum Indexed {
    /// Nothing, such as a reaction.
    Unchanged,
    Changed(Change),
    /// An item that this code did not write.
    Unreadable,
}

impl From<EventRecord> for Record {
    fn from(record: EventRecord) -> Self {
        let change = record.change;
        let indexed = indexed(change.old_image, change.new_image).unwrap_or(Indexed::Unreadable);
        Self { sequence_number: change.sequence_number.unwrap_or_default(), indexed }
    }
}

fn indexed(before: serde_dynamo::Item, after: serde_dynamo::Item) -> Result<Indexed, serde_dynamo::Error> {
    // Items stay in their logs for ever.
    if after.is_empty() {
        return Ok(Indexed::Unchanged);
    }
    let after: LogItem = from_item(after)?;
    let before: Option<LogItem> = if before.is_empty() { None } else { Some(from_item(before)?) };
    let is_same = before.is_some_and(|before| before.kind == after.kind && before.edits == after.edits);
    Ok(change_of(&after).filter(|_| !is_same).map_or(Indexed::Unchanged, Indexed::Changed))
}

#[cfg(test)]
mod tests {
    use domain::message::Edit;
    use domain::{Content, ConversationId, MessageKind, Seq, Timestamp, UserId};
    use serde_dynamo::to_item;

    use super::*;

    fn item() -> LogItem {
        let content = Content::new("hello".to_owned(), None, Vec::new()).unwrap();
        let (conversation, sender) = (ConversationId::generate(), UserId::from_token("i", "s"));
        LogItem::new(conversation, Seq(2), sender, Timestamp::now(), Seq(1), MessageKind::Text(content))
    }

    #[test]
    fn only_what_changes_the_words_is_written() {
        let first = item();
        let mut edited = first.clone();
        edited.edits.push(Edit {
            seq: Seq(3),
            edited_at: Timestamp::now(),
            text: "ho".to_owned(),
            mentions: Vec::new(),
            custom: None,
        });
        let image = |item: &LogItem| to_item(item).unwrap();
        let none = serde_dynamo::Item::default;
        assert!(matches!(indexed(none(), image(&first)).unwrap(), Indexed::Changed(Change::Put(_))));
        assert!(matches!(indexed(image(&first), image(&edited)).unwrap(), Indexed::Changed(Change::Put(_))));
        assert!(matches!(indexed(image(&edited), image(&edited)).unwrap(), Indexed::Unchanged));
        assert!(matches!(indexed(image(&edited), none()).unwrap(), Indexed::Unchanged));
        let mut foreign = image(&first);
        foreign.remove("sender_id");
        assert!(indexed(none(), foreign).is_err());
    }
}
