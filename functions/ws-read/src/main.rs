//! Wires [`ws_read`] and serves its route.

use lambda_kit::{Error, Wiring, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (queue, api) = (wiring.queue("RECEIPTS_QUEUE_URL")?, wiring.connections_api()?);
    websocket::run(&api, async |caller, request| ws_read::handle(&queue, caller, request).await).await
}
