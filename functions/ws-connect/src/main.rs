//! Wires [`ws_connect`].

use lambda_kit::config::{aws, required};
use lambda_kit::{Error, telemetry, websocket};
use store::connections_api::ConnectionsApi;
use store::dynamodb::Connections;
use ws_connect::Connect;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let connect = Connect {
        connections: Connections::new(aws_sdk_dynamodb::Client::new(&aws), required("CONNECTIONS_TABLE")?),
        pusher: ConnectionsApi::new(&aws, required("CONNECTIONS_ENDPOINT")?),
    };
    connect.connections.warm_up().await;
    websocket::run_lifecycle(async |caller| connect.handle(caller).await).await
}
