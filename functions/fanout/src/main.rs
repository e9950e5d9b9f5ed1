//! Wires [`fanout`].

use fanout::Worker;
use lambda_kit::config::{aws, number, required};
use lambda_kit::push::Pusher;
use lambda_kit::{Error, queue, telemetry};
use store::dynamodb::{Connections, Members, Messages};
use store::log::Log;
use store::queues::Queue;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let worker = Worker {
        log: Log {
            messages: Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?),
            members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
            flood_limit: None,
        },
        connections: Connections::new(dynamodb, required("CONNECTIONS_TABLE")?),
        pusher: Pusher::new(&aws, required("CONNECTIONS_ENDPOINT")?),
        queue: Queue::new(aws_sdk_sqs::Client::new(&aws), required("FANOUT_QUEUE_URL")?),
        posts_per_second: number("FANOUT_RATE")?,
    };
    tokio::join!(worker.connections.warm_up(), worker.pusher.warm_up());
    queue::run(async |event, deadline| worker.handle(event, deadline).await).await
}
