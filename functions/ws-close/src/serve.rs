//! Wires the function and serves its route.

use lambda_kit::{Error, Wiring, websocket};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (subscriptions, api) = (wiring.public_subscriptions()?, wiring.connections_api()?);
    websocket::run(&api, async |caller, request| crate::handle(&subscriptions, caller, request).await).await
}
