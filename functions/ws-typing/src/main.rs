//! Wires [`ws_typing`] and serves its route.

use lambda_kit::{Error, Wiring, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (typing, connections) = (wiring.typing_notifier()?, wiring.connections()?);
    let api = wiring.connections_api()?;
    typing.warm_up().await;
    websocket::run(&api, async |caller, request| ws_typing::handle(&typing, &connections, caller, request).await).await
}
