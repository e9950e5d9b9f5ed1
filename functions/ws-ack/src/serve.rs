//! Wires the function and serves its route.

use lambda_kit::{Error, Wiring, websocket};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (queue, api) = (wiring.queue("RECEIPTS_QUEUE_URL")?, wiring.connections_api()?);
    websocket::run(&api, async |caller, request| crate::handle(&queue, caller, request).await).await
}
