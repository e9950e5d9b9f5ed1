//! Wires [`ws_sync`] and serves its route.

use lambda_kit::{Error, Wiring, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (inbox, api) = (wiring.inbox()?, wiring.connections_api()?);
    inbox.log.warm_up().await;
    websocket::run(&api, async |caller, request| ws_sync::handle(&inbox, caller, request).await).await
}
