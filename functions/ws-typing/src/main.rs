//! Wires [`ws_typing`].

use lambda_kit::config::{aws, required};
use lambda_kit::push::Pusher;
use lambda_kit::{Error, telemetry, websocket};
use store::dynamodb::{Connections, Members};
use ws_typing::Typing;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let typing = Typing {
        members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
        connections: Connections::new(dynamodb, required("CONNECTIONS_TABLE")?),
        pusher: Pusher::new(&aws, required("CONNECTIONS_ENDPOINT")?),
    };
    tokio::join!(typing.connections.warm_up(), typing.pusher.warm_up());
    websocket::run(&typing.pusher, async |caller, request| typing.handle(caller, request).await).await
}
