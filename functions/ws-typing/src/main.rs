//! Wires [`ws_typing`].

use chat::notify::Recipients;
use lambda_kit::config::{aws, required};
use lambda_kit::{Error, telemetry, websocket};
use store::connections_api::ConnectionsApi;
use store::dynamodb::{Connections, Members, Subscriptions};
use ws_typing::Typing;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let typing = Typing {
        recipients: Recipients {
            members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
            connections: Connections::new(dynamodb.clone(), required("CONNECTIONS_TABLE")?),
            subscriptions: Subscriptions::new(dynamodb, required("SUBSCRIPTIONS_TABLE")?),
        },
        pusher: ConnectionsApi::new(&aws, required("CONNECTIONS_ENDPOINT")?),
    };
    tokio::join!(typing.recipients.connections.warm_up(), typing.pusher.warm_up());
    websocket::run(&typing.pusher, async |caller, request| typing.handle(caller, request).await).await
}
