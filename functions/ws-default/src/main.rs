//! Wires [`ws_default`].

use lambda_kit::{Error, telemetry, websocket};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    websocket::run(async |_caller, frame| ws_default::handle(&frame)).await
}
