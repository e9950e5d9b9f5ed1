//! Wires [`ws_send`] and serves its route.

use lambda_kit::{Error, Wiring, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (sender, connections) = (wiring.sender()?, wiring.connections()?);
    sender.notifier().warm_up().await;
    let api = sender.notifier().api();
    websocket::run(api, async |caller, request| ws_send::handle(&sender, &connections, caller, request).await).await
}
