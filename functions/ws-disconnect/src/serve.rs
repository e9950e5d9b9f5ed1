//! Wires the function and serves its route.

use lambda_kit::{Error, Wiring, websocket};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let connections = wiring.connections()?;
    websocket::run_lifecycle(async |caller| crate::handle(&connections, caller).await).await
}
