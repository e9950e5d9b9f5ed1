//! Wires [`ws_default`] and serves its route.

use lambda_kit::{Error, Wiring, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let api = wiring.connections_api()?;
    websocket::run(&api, async |_caller, frame| ws_default::handle(&frame)).await
}
