//! Wires [`http_messages`].

use http_messages::Handler;
use lambda_kit::config::{aws, flood_limit, required, seconds};
use lambda_kit::push::Pusher;
use lambda_kit::{Error, http, telemetry};
use store::dynamodb::{Connections, Files, Members, Messages, Watermarks};
use store::inbox::Inbox;
use store::log::Log;
use store::queues::Queue;
use store::status::Statuses;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let messages = Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?);
    let members = Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?);
    let (delivery_status, read_status) = (required("DELIVERY_STATUS_TABLE")?, required("READ_STATUS_TABLE")?);
    let watermarks = Watermarks::new(dynamodb.clone(), delivery_status, read_status);
    let log = Log { messages: messages.clone(), members: members.clone(), flood_limit: flood_limit()? };
    let handler = Handler {
        inbox: Inbox { log: log.clone(), watermarks: watermarks.clone() },
        statuses: Statuses { messages, members, watermarks },
        log,
        files: Files::new(dynamodb.clone(), required("FILES_TABLE")?),
        connections: Connections::new(dynamodb, required("CONNECTIONS_TABLE")?),
        pusher: Pusher::new(&aws, required("CONNECTIONS_ENDPOINT")?),
        fanout: Queue::new(aws_sdk_sqs::Client::new(&aws), required("FANOUT_QUEUE_URL")?),
        edit_window: seconds("EDIT_WINDOW")?,
    };
    tokio::join!(handler.log.warm_up(), handler.pusher.warm_up());
    http::run(async |request| handler.handle(request).await).await
}
