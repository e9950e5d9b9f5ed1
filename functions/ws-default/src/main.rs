//! Wires [`ws_default`].

use lambda_kit::config::{aws, required};
use lambda_kit::{Error, telemetry, websocket};
use store::connections_api::ConnectionsApi;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let pusher = ConnectionsApi::new(&aws().await, required("CONNECTIONS_ENDPOINT")?);
    websocket::run(&pusher, async |_caller, frame| ws_default::handle(&frame)).await
}
