//! Wires the function and serves its route.

use lambda_kit::{Error, Wiring, websocket};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (inbox, api) = (wiring.inbox()?, wiring.connections_api()?);
    inbox.log.warm_up().await;
    websocket::run(&api, async |caller, request| crate::handle(&inbox, caller, request).await).await
}
