//! Wires [`relay`].

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use lambda_kit::config::{aws, required};
use lambda_kit::push::Pusher;
use lambda_kit::{Error, telemetry};
use relay::Worker;
use store::deletion::Deletion;
use store::dynamodb::{Connections, Members, Messages};
use store::membership::Membership;
use store::queues::Queue;
use store::relay::Relay;
use store::sql::{Conversations, Outbox, Users, connect};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let pool = connect((&aws).into(), required("CLUSTER_ARN")?, required("SECRET_ARN")?, required("DATABASE")?);
    let queue = Queue::new(aws_sdk_sqs::Client::new(&aws), required("RELAY_QUEUE_URL")?);
    let relay = Relay {
        messages: Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?),
        members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
        outbox: Outbox::new(pool.clone()),
    };
    let connections = Connections::new(dynamodb, required("CONNECTIONS_TABLE")?);
    let pusher = Pusher::new(&aws, required("CONNECTIONS_ENDPOINT")?);
    let users = Users::new(pool.clone());
    let membership = Membership { conversations: Conversations::new(pool, queue.clone()), relay };
    let fanout = Queue::new(aws_sdk_sqs::Client::new(&aws), required("FANOUT_QUEUE_URL")?);
    let files = Queue::new(aws_sdk_sqs::Client::new(&aws), required("FILES_QUEUE_URL")?);
    let worker = Worker { deletion: Deletion { users, membership, connections, relay: queue }, pusher, fanout, files };
    lambda_kit::queue::run(async |event, deadline| worker.handle(event, deadline).await).await
}
