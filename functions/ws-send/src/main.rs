//! Wires [`ws_send`].

use lambda_kit::config::{aws, flood_limit, required};
use lambda_kit::push::Pusher;
use lambda_kit::{Error, telemetry, websocket};
use store::dynamodb::{Connections, Files, Members, Messages};
use store::log::Log;
use store::queues::Queue;
use ws_send::Send;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let send = Send {
        log: Log {
            messages: Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?),
            members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
            flood_limit: flood_limit()?,
        },
        files: Files::new(dynamodb.clone(), required("FILES_TABLE")?),
        connections: Connections::new(dynamodb, required("CONNECTIONS_TABLE")?),
        pusher: Pusher::new(&aws, required("CONNECTIONS_ENDPOINT")?),
        fanout: Queue::new(aws_sdk_sqs::Client::new(&aws), required("FANOUT_QUEUE_URL")?),
    };
    tokio::join!(send.connections.warm_up(), send.pusher.warm_up());
    websocket::run(&send.pusher, async |caller, request| send.handle(caller, request).await).await
}
