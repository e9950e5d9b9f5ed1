//! The visits of the retention that a new row asks for.

use domain::{ConversationId, Seq, Timestamp};
use serde::Deserialize;
use serde_dynamo::from_item;
use store::StoreError;

/// Kind of the items that change the time for which messages are kept.
const RETENTION_CHANGED: &str = "retention_changed";

/// A visit that a row asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visit {
    /// The log has begun, and has nothing that is too old before this item is.
    First { conversation_id: ConversationId, sent_at: Timestamp },
    /// The retention has changed.
    Now { conversation_id: ConversationId },
}

/// The attributes of a row that say whether it asks for a visit.
#[derive(Deserialize)]
struct Row {
    conversation_id: ConversationId,
    seq: Seq,
    /// In milliseconds.
    sent_at: i64,
    kind: String,
}

/// Returns the visit that this new row asks for.
pub(crate) fn asked_by(row: &serde_dynamo::Item) -> Result<Option<Visit>, StoreError> {
    let Row { conversation_id, seq, sent_at, kind } = from_item(row.clone())?;
    Ok(match kind.as_str() {
        RETENTION_CHANGED => Some(Visit::Now { conversation_id }),
        _ if seq == Seq(1) => Some(Visit::First { conversation_id, sent_at: Timestamp::from_epoch_millis(sent_at) }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use domain::MessageKind;
    use serde_dynamo::to_item;
    use serde_json::json;

    use super::*;

    #[test]
    fn beginnings_of_logs_and_changes_of_the_retention_ask_for_a_visit() {
        let conversation_id = ConversationId::generate();
        let asked = |seq: u64, kind: &str| {
            let row = json!({"conversation_id": conversation_id, "seq": seq, "sent_at": 5, "kind": kind});
            asked_by(&to_item(row).unwrap()).unwrap()
        };
        let first = Some(Visit::First { conversation_id, sent_at: Timestamp::from_epoch_millis(5) });
        assert_eq!([asked(1, "created"), asked(1, "text")], [first; 2]);
        assert_eq!(asked(9, "retention_changed"), Some(Visit::Now { conversation_id }));
        assert_eq!([asked(1000, "text"), asked(2, "of_a_later_version")], [None; 2]);
        let kind = serde_json::to_value(MessageKind::RetentionChanged { retention_days: None }).unwrap();
        assert_eq!(kind["kind"], RETENTION_CHANGED);
    }
}
