//! Wires [`ws_connect`] and serves its route.

use lambda_kit::{Error, Wiring, websocket};
use ws_connect::Connect;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let connect = Connect { connections: wiring.connections()?, api: wiring.connections_api()? };
    connect.connections.warm_up().await;
    websocket::run_lifecycle(async |caller| connect.handle(caller).await).await
}
