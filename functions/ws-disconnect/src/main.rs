//! Wires [`ws_disconnect`].

use lambda_kit::config::{aws, required};
use lambda_kit::{Error, telemetry, websocket};
use store::dynamodb::Connections;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws().await);
    let connections = Connections::new(dynamodb, required("CONNECTIONS_TABLE")?);
    websocket::run_lifecycle(async |caller| ws_disconnect::handle(&connections, caller).await).await
}
