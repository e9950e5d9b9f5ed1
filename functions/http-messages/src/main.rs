//! Wires [`http_messages`].

use lambda_kit::config::{aws, required};
use lambda_kit::{Error, http, telemetry};
use store::dynamodb::{Connections, Members, Messages};
use store::log::Log;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws().await);
    let log = Log {
        messages: Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?),
        members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
    };
    let connections = Connections::new(dynamodb, required("CONNECTIONS_TABLE")?);
    log.warm_up().await;
    http::run(async |request| http_messages::handle(&log, &connections, request).await).await
}
