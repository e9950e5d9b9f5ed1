//! `ack`: reports that everything up to a seq has reached a device of the user. The receipts are checked, timestamped and
//! queued; the `receipts` worker does the rest.

mod serve;

use domain::protocol::{Answer, ReceiptsRequest};
use domain::{ApiError, ReceiptKind, Timestamp};
use lambda_kit::websocket::Caller;
use store::sqs::{Queue, ReceiptsBody};

pub use serve::serve;

/// Queues the receipts: one call to SQS. Their time is the time of this request, not of their processing.
pub async fn handle(queue: &Queue, caller: Caller, request: ReceiptsRequest) -> Result<Answer, ApiError> {
    let receipts = request.check(ReceiptKind::Delivered, caller.user_id, Timestamp::now())?;
    queue.send_receipts(&ReceiptsBody { receipts }).await?;
    Ok(Answer::Accepted)
}
