//! Wires [`ws_typing`].

use lambda_kit::config::{aws, required};
use lambda_kit::push::Pusher;
use lambda_kit::{Error, telemetry, websocket};
use store::dynamodb::{Connections, Members, Subscriptions};
use store::listeners::Listeners;
use ws_typing::Typing;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let typing = Typing {
        listeners: Listeners {
            members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
            connections: Connections::new(dynamodb.clone(), required("CONNECTIONS_TABLE")?),
            subscriptions: Subscriptions::new(dynamodb, required("SUBSCRIPTIONS_TABLE")?),
        },
        pusher: Pusher::new(&aws, required("CONNECTIONS_ENDPOINT")?),
    };
    tokio::join!(typing.listeners.connections.warm_up(), typing.pusher.warm_up());
    websocket::run(&typing.pusher, async |caller, request| typing.handle(caller, request).await).await
}
