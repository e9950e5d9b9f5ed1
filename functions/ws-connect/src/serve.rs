//! Wires the function and serves its route.

use lambda_kit::{Error, Wiring, websocket};

use crate::Connect;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let connect = Connect { connections: wiring.connections()?, api: wiring.connections_api()? };
    connect.connections.warm_up().await;
    websocket::run_lifecycle(async |caller| connect.handle(caller).await).await
}
