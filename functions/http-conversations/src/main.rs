//! Wires [`http_conversations`].

use http_conversations::Handler;
use lambda_kit::config::{aws, required};
use lambda_kit::{Error, http, telemetry};
use store::dynamodb::{Members, Messages};
use store::log::Log;
use store::queues::Queue;
use store::relay::Relay;
use store::sql::{Conversations, Outbox, connect};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let pool = connect((&aws).into(), required("CLUSTER_ARN")?, required("SECRET_ARN")?, required("DATABASE")?);
    let relay_queue = Queue::new(aws_sdk_sqs::Client::new(&aws), required("RELAY_QUEUE_URL")?);
    let messages = Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?);
    let members = Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?);
    let log = Log { messages: messages.clone(), members: members.clone() };
    log.warm_up().await;
    let relay = Relay { dynamodb, messages, members, outbox: Outbox::new(pool.clone()) };
    let handler = Handler { conversations: Conversations::new(pool, relay_queue), relay, log };
    http::run(async |request| handler.handle(request).await).await
}
