//! Wires [`fanout`].

use chat::log::Log;
use chat::notify::Recipients;
use fanout::Worker;
use lambda_kit::config::{aws, number, required};
use lambda_kit::{Error, queue, telemetry};
use store::connections_api::ConnectionsApi;
use store::dynamodb::{Connections, Members, Messages, Subscriptions};
use store::sqs::Queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let messages = Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?);
    let members = Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?);
    let connections = Connections::new(dynamodb.clone(), required("CONNECTIONS_TABLE")?);
    let subscriptions = Subscriptions::new(dynamodb, required("SUBSCRIPTIONS_TABLE")?);
    let worker = Worker {
        log: Log { messages, members: members.clone(), flood_limit: None },
        recipients: Recipients { members, connections, subscriptions },
        pusher: ConnectionsApi::new(&aws, required("CONNECTIONS_ENDPOINT")?),
        queue: Queue::new(aws_sdk_sqs::Client::new(&aws), required("FANOUT_QUEUE_URL")?),
        posts_per_second: number("FANOUT_RATE")?,
    };
    tokio::join!(worker.recipients.connections.warm_up(), worker.pusher.warm_up());
    queue::run(async |event, deadline| worker.handle(event, deadline).await).await
}
