//! Wires the function and serves its route.

use lambda_kit::{Error, Wiring, websocket};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (subscriptions, connections) = (wiring.public_subscriptions()?, wiring.connections()?);
    let api = wiring.connections_api()?;
    subscriptions.warm_up().await;
    websocket::run(&api, async |caller, request| crate::handle(&subscriptions, &connections, caller, request).await)
        .await
}
