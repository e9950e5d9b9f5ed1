//! The segments that a new row reports to the archive.

use domain::{ConversationId, SegmentSize, Seq};
use serde::Deserialize;
use serde_dynamo::from_item;
use store::StoreError;
use store::sqs::ArchiveBody;

/// The attributes of a row that say which segment it reports.
#[derive(Deserialize)]
struct Row {
    conversation_id: ConversationId,
    seq: Seq,
    /// True in a row that was put back from the archive.
    #[serde(default)]
    restored: bool,
}

/// Returns the segment that may move to the archive because of this new row, or whose chunk will change.
pub(crate) fn reported_by(row: &serde_dynamo::Item) -> Result<Option<ArchiveBody>, StoreError> {
    let Row { conversation_id, seq, restored } = from_item(row.clone())?;
    let size = SegmentSize::STORED;
    let segment = if restored { Some(size.segment_of(seq)) } else { size.moved_by(seq) };
    Ok(segment.map(|segment| ArchiveBody::Segment { conversation_id, first: segment.first, fold: false }))
}

#[cfg(test)]
mod tests {
    use serde_dynamo::to_item;
    use serde_json::json;

    use super::*;

    #[test]
    fn ends_of_segments_and_restored_rows_report_a_segment() {
        let conversation_id = ConversationId::generate();
        let reported = |seq: u64, restored: bool| {
            let row = json!({"conversation_id": conversation_id, "seq": seq, "restored": restored, "kind": "text"});
            reported_by(&to_item(row).unwrap()).unwrap()
        };
        let segment = |first| Some(ArchiveBody::Segment { conversation_id, first: Seq(first), fold: false });
        assert_eq!([reported(1000, false), reported(2001, false)], [None, None]);
        assert_eq!([reported(2000, false), reported(5000, false)], [segment(1), segment(3001)]);
        assert_eq!([reported(7, true), reported(2000, true)], [segment(1), segment(1001)]);
    }
}
