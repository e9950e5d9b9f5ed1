//! Wires [`ws_close`] and serves its route.

use lambda_kit::{Error, Wiring, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (subscriptions, api) = (wiring.public_subscriptions()?, wiring.connections_api()?);
    websocket::run(&api, async |caller, request| ws_close::handle(&subscriptions, caller, request).await).await
}
