//! Frames for members, each serialised once for all members who see the same items.

use std::collections::HashMap;
use std::ops::Range;

use chat::log::{ItemBatch, Viewer};
use domain::page::{Page, Room};
use domain::protocol::Push;
use domain::{ApiError, Message};
use store::connections_api::encode;
use store::dynamodb::members::ActiveMember;

/// The frames of a batch of items.
#[derive(Debug)]
pub(crate) struct Frames<'n> {
    item_batch: &'n ItemBatch,
    written: Vec<String>,
    by_viewer: HashMap<Viewer, Range<usize>>,
}

impl<'n> Frames<'n> {
    pub(crate) fn of(item_batch: &'n ItemBatch) -> Self {
        Self { item_batch, written: Vec::new(), by_viewer: HashMap::new() }
    }

    /// Returns the indices of the member's frames, and adds missing frames: one frame unless it would be too large, or none if
    /// the member sees no item.
    pub(crate) fn prepare(&mut self, member: &ActiveMember) -> Result<Range<usize>, ApiError> {
        let viewer = self.item_batch.viewer(member);
        if let Some(written) = self.by_viewer.get(&viewer) {
            return Ok(written.clone());
        }
        let first = self.written.len();
        self.written.extend(write(self.item_batch.shown_to(member))?);
        self.by_viewer.insert(viewer, first..self.written.len());
        Ok(first..self.written.len())
    }

    pub(crate) fn json(&self, number: usize) -> &str {
        &self.written[number]
    }
}

/// As many messages in a frame as fit.
fn write(messages: Vec<Message>) -> Result<Vec<String>, ApiError> {
    let pages = Page::split(messages, Room::of_frame()).map_err(ApiError::internal)?;
    pages.into_iter().map(|messages| encode(&Push::Messages { messages })).collect()
}

#[cfg(test)]
mod tests {
    use domain::page::MAX_FRAME_BYTES;
    use serde_json::{Value, json};

    use super::*;

    fn message(seq: u64) -> Message {
        let id = "00000000-0000-0000-0000-000000000001";
        let message = json!({"conversation_id": id, "seq": seq, "message_id": id, "sender_id": id, "kind": "text",
            "sent_at": "2026-01-02T03:04:05.678Z", "text": "x".repeat(8 * 1024)});
        serde_json::from_value(message).unwrap()
    }

    #[test]
    fn messages_beyond_one_frame_go_into_the_next() {
        assert!(write(Vec::new()).unwrap().is_empty());
        let frames = write((1..=30).map(message).collect()).unwrap();
        assert_eq!(frames.len(), 2);
        assert!(frames.iter().all(|frame| frame.len() <= MAX_FRAME_BYTES));
        let seqs = |frame: &String| {
            let frame: Value = serde_json::from_str(frame).unwrap();
            let messages = frame["messages"].as_array().unwrap().clone();
            messages.into_iter().map(|message| message["seq"].as_u64().unwrap())
        };
        assert!(frames.iter().flat_map(seqs).eq(1..=30));
    }
}
