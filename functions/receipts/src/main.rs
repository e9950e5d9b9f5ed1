//! Wires [`receipts`].

use aws_lambda_events::sqs::SqsEvent;
use chat::log::Log;
use chat::receipts::Receipts;
use lambda_kit::config::{aws, required};
use lambda_kit::{Error, queue, telemetry};
use receipts::Worker;
use store::connections_api::ConnectionsApi;
use store::dynamodb::{Connections, Members, Messages, Watermarks};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let (delivery_status, read_status) = (required("DELIVERY_STATUS_TABLE")?, required("READ_STATUS_TABLE")?);
    let worker = Worker {
        receipts: Receipts {
            log: Log {
                messages: Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?),
                members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
                flood_limit: None,
            },
            watermarks: Watermarks::new(dynamodb.clone(), delivery_status, read_status),
        },
        connections: Connections::new(dynamodb, required("CONNECTIONS_TABLE")?),
        pusher: ConnectionsApi::new(&aws, required("CONNECTIONS_ENDPOINT")?),
    };
    tokio::join!(worker.connections.warm_up(), worker.pusher.warm_up());
    queue::run(async |event: SqsEvent, deadline| worker.handle(event.into(), deadline).await).await
}
