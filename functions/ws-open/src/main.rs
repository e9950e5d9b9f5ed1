//! Wires [`ws_open`] and serves its route.

use lambda_kit::{Error, Wiring, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (subscriptions, connections) = (wiring.public_subscriptions()?, wiring.connections()?);
    let api = wiring.connections_api()?;
    subscriptions.warm_up().await;
    websocket::run(&api, async |caller, request| ws_open::handle(&subscriptions, &connections, caller, request).await)
        .await
}
