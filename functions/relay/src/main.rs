//! Wires [`relay`].

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use lambda_kit::config::{aws, required};
use lambda_kit::push::Pusher;
use lambda_kit::{Error, queue, telemetry};
use relay::Worker;
use store::dynamodb::{Connections, Members, Messages};
use store::relay::Relay;
use store::sql::{Outbox, connect};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let pool = connect((&aws).into(), required("CLUSTER_ARN")?, required("SECRET_ARN")?, required("DATABASE")?);
    let relay = Relay {
        messages: Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?),
        members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
        outbox: Outbox::new(pool),
    };
    let connections = Connections::new(dynamodb, required("CONNECTIONS_TABLE")?);
    let pusher = Pusher::new(&aws, required("CONNECTIONS_ENDPOINT")?);
    let worker = Worker { relay, connections, pusher };
    queue::run(async |event, _deadline| worker.handle(event).await).await
}
