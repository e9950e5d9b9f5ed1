//! Wires [`ws_send`].

use chat::log::Log;
use chat::notify::Delivery;
use chat::notify::Recipients;
use lambda_kit::config::{aws, flood_limit, required};
use lambda_kit::{Error, telemetry, websocket};
use store::connections_api::ConnectionsApi;
use store::dynamodb::{Connections, Files, Members, Messages, Subscriptions};
use store::sqs::Queue;
use ws_send::Send;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let messages = Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?);
    let members = Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?);
    let connections = Connections::new(dynamodb.clone(), required("CONNECTIONS_TABLE")?);
    let files = Files::new(dynamodb.clone(), required("FILES_TABLE")?);
    let subscriptions = Subscriptions::new(dynamodb, required("SUBSCRIPTIONS_TABLE")?);
    let fanout = Queue::new(aws_sdk_sqs::Client::new(&aws), required("FANOUT_QUEUE_URL")?);
    let send = Send {
        log: Log { messages, members: members.clone(), flood_limit: flood_limit()? },
        files,
        delivery: Delivery { recipients: Recipients { members, connections, subscriptions }, fanout },
        pusher: ConnectionsApi::new(&aws, required("CONNECTIONS_ENDPOINT")?),
    };
    tokio::join!(send.delivery.recipients.connections.warm_up(), send.pusher.warm_up());
    websocket::run(&send.pusher, async |caller, request| send.handle(caller, request).await).await
}
