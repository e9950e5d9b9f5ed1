//! Wires [`ws_close`].

use chat::notify::Subscribing;
use lambda_kit::config::{aws, required};
use lambda_kit::{Error, telemetry, websocket};
use store::connections_api::ConnectionsApi;
use store::dynamodb::{Members, Subscriptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let looking = Subscribing {
        members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
        subscriptions: Subscriptions::new(dynamodb, required("SUBSCRIPTIONS_TABLE")?),
    };
    let pusher = ConnectionsApi::new(&aws, required("CONNECTIONS_ENDPOINT")?);
    websocket::run(&pusher, async |caller, request| ws_close::handle(&looking, caller, request).await).await
}
