//! From queue messages to streams of receipts.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::SqsEvent;
use domain::{ConversationId, Receipt, ReceiptKind, UserId, receipt};
use store::sqs::ReceiptsBody;

/// Receipts of one user, conversation and kind, merged.
#[derive(Debug)]
pub struct Stream {
    /// In the order of their times.
    pub receipts: Vec<Receipt>,
    /// Ids of the queue messages that contained them.
    pub queue_message_ids: Vec<String>,
}

type Key = (ReceiptKind, ConversationId, UserId);

/// A batch of queue messages.
#[derive(Debug, Default)]
pub struct Batch {
    streams: BTreeMap<Key, Stream>,
    unreadable: Vec<String>,
}

impl From<SqsEvent> for Batch {
    fn from(event: SqsEvent) -> Self {
        let mut batch = Self::default();
        for record in event.records {
            let id = record.message_id.unwrap_or_default();
            match serde_json::from_str::<ReceiptsBody>(record.body.as_deref().unwrap_or_default()) {
                Ok(body) => body.receipts.into_iter().for_each(|receipt| batch.add(receipt, &id)),
                Err(error) => {
                    // Every retry fails, and the message ends in the dead-letter queue.
                    tracing::error!(queue_message_id = id, %error, "a queue message cannot be parsed");
                    batch.unreadable.push(id);
                }
            }
        }
        batch
    }
}

impl Batch {
    fn add(&mut self, receipt: Receipt, queue_message_id: &str) {
        let key = (receipt.kind, receipt.conversation_id, receipt.user_id);
        let empty = || Stream { receipts: Vec::new(), queue_message_ids: Vec::new() };
        let stream = self.streams.entry(key).or_insert_with(empty);
        stream.receipts.push(receipt);
        stream.queue_message_ids.push(queue_message_id.to_owned());
    }

    /// The streams, and the ids of queue messages that could not be read.
    pub(crate) fn into_streams(self) -> (Vec<Stream>, Vec<String>) {
        let merged = self.streams.into_values().map(|stream| {
            let receipts = receipt::merge(stream.receipts);
            Stream { receipts, ..stream }
        });
        (merged.collect(), self.unreadable)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(id: &str, body: &serde_json::Value) -> serde_json::Value {
        json!({"messageId": id, "body": body.to_string(), "attributes": {}, "messageAttributes": {}})
    }

    fn receipt(user: u8, seq: u64) -> serde_json::Value {
        json!({"kind": "read", "conversation_id": uuid(1), "user_id": uuid(user), "seq": seq,
               "at": "2026-01-02T03:04:05.678Z"})
    }

    fn uuid(n: u8) -> String {
        format!("00000000-0000-0000-0000-0000000000{n:02}")
    }

    #[test]
    fn streams_list_every_queue_message_they_came_from() {
        let event = json!({"Records": [
            record("a", &json!({"receipts": [receipt(2, 5), receipt(3, 1)]})),
            record("b", &json!({"receipts": [receipt(2, 7)]})),
            record("c", &json!("nonsense")),
        ]});
        let batch = Batch::from(serde_json::from_value::<SqsEvent>(event).unwrap());
        let (streams, unreadable) = batch.into_streams();
        assert_eq!(unreadable, ["c"]);
        assert_eq!(streams.len(), 2);
        assert_eq!(streams[0].queue_message_ids, ["a", "b"]);
        assert_eq!(streams[0].receipts.iter().map(|receipt| receipt.seq.0).collect::<Vec<_>>(), [7]);
    }
}
