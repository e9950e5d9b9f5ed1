//! Wires [`ws_disconnect`] and serves its route.

use lambda_kit::{Error, Wiring, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let connections = wiring.connections()?;
    websocket::run_lifecycle(async |caller| ws_disconnect::handle(&connections, caller).await).await
}
