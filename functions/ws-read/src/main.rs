//! Wires [`ws_read`].

use lambda_kit::config::{aws, required};
use lambda_kit::{Error, telemetry, websocket};
use store::queues::Queue;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let queue = Queue::new(aws_sdk_sqs::Client::new(&aws().await), required("RECEIPTS_QUEUE_URL")?);
    websocket::run(async |caller, request| ws_read::handle(&queue, caller, request).await).await
}
