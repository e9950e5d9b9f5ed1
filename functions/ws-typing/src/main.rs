//! Wires [`ws_typing`] and serves its route.

use lambda_kit::{Error, Wiring, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (typing, api) = (wiring.typing_notifier()?, wiring.connections_api()?);
    typing.warm_up().await;
    websocket::run(&api, async |caller, request| ws_typing::handle(&typing, caller, request).await).await
}
