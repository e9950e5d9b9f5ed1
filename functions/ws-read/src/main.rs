//! Wires [`ws_read`].

use lambda_kit::config::{aws, required};
use lambda_kit::{Error, telemetry, websocket};
use store::connections_api::ConnectionsApi;
use store::sqs::Queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let queue = Queue::new(aws_sdk_sqs::Client::new(&aws), required("RECEIPTS_QUEUE_URL")?);
    let pusher = ConnectionsApi::new(&aws, required("CONNECTIONS_ENDPOINT")?);
    websocket::run(&pusher, async |caller, request| ws_read::handle(&queue, caller, request).await).await
}
