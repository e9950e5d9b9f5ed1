//! Wires the function and serves its route.

use lambda_kit::{Error, Wiring, websocket};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (sender, connections) = (wiring.sender()?, wiring.connections()?);
    sender.notifier().warm_up().await;
    let api = sender.notifier().api();
    websocket::run(api, async |caller, request| crate::handle(&sender, &connections, caller, request).await).await
}
