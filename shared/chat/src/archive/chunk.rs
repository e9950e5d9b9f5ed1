//! The form of a chunk: JSON lines, compressed with Zstandard.
//!
//! The first line is a header, each other one an item as the table had it, oldest first, with attributes that this version does not
//! know. A version that reads only what the header says it can read comes before one that writes more.

use std::io::Read;
use std::ops::Range;

use domain::period::SeqRange;
use domain::{ConversationId, Seq};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::StoreError;
use store::chunk_objects::checksum;
use store::dynamodb::{ChunkItem, LogItem, StoredRow};

/// The form that this version writes.
const FORMAT: u32 = 1;

/// Most bytes of a chunk before it is compressed: readers have room for several. Segments of larger items stay in the table.
pub(super) const MAX_CHUNK_BYTES: usize = 8 << 20;

/// Level of the compression: higher ones take many times as long, and save little.
const LEVEL: i32 = 6;

/// First line of a chunk.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    format: u32,
    conversation_id: ConversationId,
    first_seq: Seq,
    last_seq: Seq,
    /// Number of items that the chunk has.
    count: u64,
}

/// The items of a segment.
#[derive(Debug)]
pub(super) struct Chunk {
    text: Vec<u8>,
    /// Seq and place in the text of each item, oldest first.
    lines: Vec<(Seq, Range<usize>)>,
}

impl Chunk {
    /// Writes the items of a segment; `None` if they are too large for a chunk.
    pub(super) fn encode(
        conversation_id: ConversationId,
        segment: SeqRange,
        rows: &[StoredRow],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let SeqRange { first: first_seq, last: last_seq } = segment;
        let header = Header { format: FORMAT, conversation_id, first_seq, last_seq, count: rows.len() as u64 };
        let mut text = serde_json::to_vec(&header)?;
        for row in rows {
            text.push(b'\n');
            text.extend_from_slice(row.json.as_bytes());
        }
        if text.len() > MAX_CHUNK_BYTES {
            return Ok(None);
        }
        zstd::encode_all(text.as_slice(), LEVEL).map(Some).map_err(|error| broken(&error.to_string()))
    }

    /// Reads an object after a comparison with its index item.
    pub(super) fn decode(object: &[u8], of: &ChunkItem) -> Result<Self, StoreError> {
        if checksum(object) != of.sha256 {
            return Err(broken(&format!("the object {} has another checksum", of.object_key)));
        }
        let failed = |error: std::io::Error| broken(&format!("the object {} is no chunk: {error}", of.object_key));
        let (mut text, most) = (Vec::new(), MAX_CHUNK_BYTES as u64 + 1);
        zstd::Decoder::new(object).map_err(failed)?.take(most).read_to_end(&mut text).map_err(failed)?;
        Self::read(text, of)
    }

    fn read(text: Vec<u8>, of: &ChunkItem) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Line {
            seq: Seq,
        }
        let mut start = 0;
        let mut places = text.split(|byte| *byte == b'\n').map(|line| {
            let place = start..start + line.len();
            start = place.end + 1;
            (place, line)
        });
        let header: Header = serde_json::from_slice(places.next().map_or(&b""[..], |(_, line)| line))?;
        if header.format != FORMAT {
            return Err(broken(&format!("the object {} has format {}", of.object_key, header.format)));
        }
        let lines = places.map(|(place, line)| Ok((serde_json::from_slice::<Line>(line)?.seq, place)));
        let lines = lines.collect::<Result<Vec<_>, StoreError>>()?;
        let segment = of.segment();
        let expected = Header {
            format: FORMAT,
            conversation_id: of.conversation_id,
            first_seq: segment.first,
            last_seq: segment.last,
            count: lines.len() as u64,
        };
        let ascends = lines.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let within = lines.iter().all(|(seq, _)| segment.first <= *seq && *seq <= segment.last);
        if header != expected || !ascends || !within {
            return Err(broken(&format!("the object {} is not what its index item says", of.object_key)));
        }
        Ok(Self { text, lines })
    }

    /// Returns the bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.lines.len() * size_of::<(Seq, Range<usize>)>()
    }

    fn line(&self, seq: Seq) -> Option<&[u8]> {
        let at = self.lines.binary_search_by_key(&seq, |(seq, _)| *seq).ok()?;
        self.text.get(self.lines[at].1.clone())
    }

    /// Returns an item, and its size in bytes; `None` if the chunk does not have it.
    pub(super) fn item(&self, seq: Seq) -> Result<Option<(LogItem, usize)>, StoreError> {
        let Some(line) = self.line(seq) else { return Ok(None) };
        Ok(Some((serde_json::from_slice(line)?, line.len())))
    }

    /// Returns all attributes of an item.
    pub(super) fn attributes(&self, seq: Seq) -> Result<Option<Value>, StoreError> {
        Ok(self.line(seq).map(serde_json::from_slice).transpose()?)
    }

    /// Returns the items as the table had them.
    pub(super) fn rows(&self) -> Result<Vec<StoredRow>, StoreError> {
        let row = |place: &Range<usize>| StoredRow::of(serde_json::from_slice(&self.text[place.clone()])?);
        self.lines.iter().map(|(_, place)| row(place)).collect()
    }
}

/// Stored data that this code did not write, or not in this way.
fn broken(what: &str) -> StoreError {
    StoreError::Inconsistent(what.to_owned())
}

#[cfg(test)]
mod tests {
    use domain::{Content, MessageKind, Timestamp, UserId};
    use serde_json::to_value;

    use super::*;

    fn rows(conversation: ConversationId, seqs: std::ops::RangeInclusive<u64>) -> Vec<StoredRow> {
        let row = |seq: u64| {
            let content = Content::new(format!("text\n{seq}"), None, Vec::new()).unwrap();
            let (sender, sent_at) = (UserId::from_token("i", "s"), Timestamp::from_epoch_millis(1_764_000_000_000));
            let item = LogItem::new(conversation, Seq(seq), sender, sent_at, Seq(1), MessageKind::Text(content));
            // Times of the table are numbers.
            let mut attributes = to_value(&item).unwrap();
            attributes["of_a_later_version"] = seq.into();
            StoredRow::of(attributes).unwrap()
        };
        seqs.map(row).collect()
    }

    fn archived(conversation: ConversationId, segment: SeqRange, rows: &[StoredRow]) -> (ChunkItem, Vec<u8>) {
        let object = Chunk::encode(conversation, segment, rows).unwrap().unwrap();
        let times = (rows[0].sent_at, rows[0].sent_at);
        let item = ChunkItem { sha256: checksum(&object), ..ChunkItem::new(conversation, segment, times, 1) };
        (item, object)
    }

    #[test]
    fn a_chunk_is_what_was_written() {
        let (conversation, segment) = (ConversationId::generate(), SeqRange { first: Seq(11), last: Seq(20) });
        let rows = rows(conversation, 11..=20);
        let (item, object) = archived(conversation, segment, &rows);
        let chunk = Chunk::decode(&object, &item).unwrap();
        assert_eq!(chunk.rows().unwrap(), rows);
        let (read, _) = chunk.item(Seq(15)).unwrap().unwrap();
        assert_eq!((read.seq, read.conversation_id), (Seq(15), conversation));
        assert!(chunk.item(Seq(21)).unwrap().is_none());
        assert_eq!(chunk.attributes(Seq(12)).unwrap().unwrap()["of_a_later_version"], 12);
    }

    #[test]
    fn another_object_is_refused() {
        let (conversation, segment) = (ConversationId::generate(), SeqRange { first: Seq(1), last: Seq(5) });
        let (item, object) = archived(conversation, segment, &rows(conversation, 1..=5));
        let mut damaged = object.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(Chunk::decode(&damaged, &item).is_err());
        let foreign = ChunkItem {
            sha256: item.sha256.clone(),
            ..ChunkItem::new(ConversationId::generate(), segment, (item.first_sent_at, item.last_sent_at), 1)
        };
        assert!(Chunk::decode(&object, &foreign).is_err(), "of another conversation");
        let short = archived(conversation, segment, &rows(conversation, 1..=4));
        assert!(Chunk::decode(&short.1, &short.0).is_ok(), "a segment may have fewer items one day");
    }

    #[test]
    fn large_items_are_no_chunk() {
        let (conversation, segment) = (ConversationId::generate(), SeqRange { first: Seq(1), last: Seq(2) });
        let mut rows = rows(conversation, 1..=2);
        rows[0].json = "x".repeat(MAX_CHUNK_BYTES);
        assert_eq!(Chunk::encode(conversation, segment, &rows).unwrap(), None);
    }
}
