//! Logs that are long from the beginning.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
use domain::{Content, MessageKind};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_dynamo::to_item;
use store::dynamodb::LogItem;

use crate::aws;

/// Items of one write request, and requests at once.
const BATCH: usize = 25;
const AT_ONCE: usize = 4;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Writes texts after the head of a log as their sender would, but many at once. Returns the items, oldest first.
pub async fn append(
    dynamodb: &Client,
    head: LogItem,
    texts: impl IntoIterator<Item = Content>,
) -> Result<Vec<LogItem>, Failure> {
    let mut last = head;
    let mut items = Vec::new();
    for text in texts {
        let (seq, sent_at) = (last.seq.next(), last.sent_at.next());
        let kind = MessageKind::Text(text);
        last = LogItem::new(last.conversation_id, seq, last.sender_id, sent_at, last.members_seq, kind);
        items.push(last.clone());
    }
    let batches = stream::iter(items.chunks(BATCH)).map(async |items| {
        let puts = items.iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(to_item(item)?)).build()?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        let puts = puts.collect::<Result<Vec<_>, Failure>>()?;
        let written = dynamodb.batch_write_item().request_items(aws::MESSAGES, puts).send().await?;
        match written.unprocessed_items {
            Some(left) if !left.is_empty() => Err(Failure::from("not all was written")),
            _ => Ok(()),
        }
    });
    batches.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    Ok(items)
}
