//! Wires [`http_messages`].

use http_messages::Handler;
use lambda_kit::config::{aws, required, seconds};
use lambda_kit::push::Pusher;
use lambda_kit::{Error, http, telemetry};
use store::dynamodb::{Connections, Members, Messages};
use store::log::Log;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let handler = Handler {
        log: Log {
            messages: Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?),
            members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
        },
        connections: Connections::new(dynamodb, required("CONNECTIONS_TABLE")?),
        pusher: Pusher::new(&aws, required("CONNECTIONS_ENDPOINT")?),
        edit_window: seconds("EDIT_WINDOW")?,
    };
    tokio::join!(handler.log.warm_up(), handler.pusher.warm_up());
    http::run(async |request| handler.handle(request).await).await
}
