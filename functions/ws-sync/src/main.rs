//! Wires [`ws_sync`].

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use chat::inbox::Inbox;
use chat::log::Log;
use lambda_kit::config::{aws, required};
use lambda_kit::{Error, telemetry, websocket};
use store::connections_api::ConnectionsApi;
use store::dynamodb::{Members, Messages, Watermarks};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let (delivery_status, read_status) = (required("DELIVERY_STATUS_TABLE")?, required("READ_STATUS_TABLE")?);
    let inbox = Inbox {
        log: Log {
            messages: Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?),
            members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
            flood_limit: None,
        },
        watermarks: Watermarks::new(dynamodb, delivery_status, read_status),
    };
    inbox.log.warm_up().await;
    let pusher = ConnectionsApi::new(&aws, required("CONNECTIONS_ENDPOINT")?);
    websocket::run(&pusher, async |caller, request| ws_sync::handle(&inbox, caller, request).await).await
}
