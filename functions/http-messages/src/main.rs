//! Wires [`http_messages`].

use chat::inbox::Inbox;
use chat::log::Log;
use chat::notify::Delivery;
use chat::notify::Recipients;
use chat::receipts::StatusReader;
use http_messages::Handler;
use lambda_kit::config::{aws, flood_limit, required, seconds};
use lambda_kit::{Error, http, telemetry};
use store::connections_api::ConnectionsApi;
use store::dynamodb::{Connections, Files, Members, Messages, Subscriptions, Watermarks};
use store::sqs::Queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let messages = Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?);
    let members = Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?);
    let (delivery_status, read_status) = (required("DELIVERY_STATUS_TABLE")?, required("READ_STATUS_TABLE")?);
    let watermarks = Watermarks::new(dynamodb.clone(), delivery_status, read_status);
    let log = Log { messages: messages.clone(), members: members.clone(), flood_limit: flood_limit()? };
    let connections = Connections::new(dynamodb.clone(), required("CONNECTIONS_TABLE")?);
    let files = Files::new(dynamodb.clone(), required("FILES_TABLE")?);
    let subscriptions = Subscriptions::new(dynamodb, required("SUBSCRIPTIONS_TABLE")?);
    let recipients = Recipients { members: members.clone(), connections: connections.clone(), subscriptions };
    let fanout = Queue::new(aws_sdk_sqs::Client::new(&aws), required("FANOUT_QUEUE_URL")?);
    let handler = Handler {
        inbox: Inbox { log: log.clone(), watermarks: watermarks.clone() },
        statuses: StatusReader { messages, members, watermarks },
        log,
        files,
        connections,
        delivery: Delivery { recipients, fanout },
        pusher: ConnectionsApi::new(&aws, required("CONNECTIONS_ENDPOINT")?),
        edit_window: seconds("EDIT_WINDOW")?,
    };
    tokio::join!(handler.log.warm_up(), handler.pusher.warm_up());
    http::run(async |request| handler.handle(request).await).await
}
