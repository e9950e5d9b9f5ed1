//! Wires [`http_members`].

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use chat::accounts::Deletion;
use chat::log::Log;
use chat::membership::Membership;
use chat::membership::Relay;
use chat::notify::Delivery;
use chat::notify::Recipients;
use http_members::Handler;
use lambda_kit::config::{aws, required};
use lambda_kit::{Error, http, telemetry};
use store::connections_api::ConnectionsApi;
use store::dynamodb::{Connections, Members, Messages, Subscriptions};
use store::sql::{Conversations, Outbox, Users, connect};
use store::sqs::Queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let pool = connect((&aws).into(), required("CLUSTER_ARN")?, required("SECRET_ARN")?, required("DATABASE")?);
    let relay_queue = Queue::new(aws_sdk_sqs::Client::new(&aws), required("RELAY_QUEUE_URL")?);
    let messages = Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?);
    let members = Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?);
    Log { messages: messages.clone(), members: members.clone(), flood_limit: None }.warm_up().await;
    let relay = Relay { messages, members: members.clone(), outbox: Outbox::new(pool.clone()) };
    let users = Users::new(pool.clone());
    let membership = Membership { conversations: Conversations::new(pool, relay_queue.clone()), relay };
    let connections = Connections::new(dynamodb.clone(), required("CONNECTIONS_TABLE")?);
    let subscriptions = Subscriptions::new(dynamodb, required("SUBSCRIPTIONS_TABLE")?);
    let deletion =
        Deletion { users, membership: membership.clone(), connections: connections.clone(), relay: relay_queue };
    let pusher = ConnectionsApi::new(&aws, required("CONNECTIONS_ENDPOINT")?);
    let fanout = Queue::new(aws_sdk_sqs::Client::new(&aws), required("FANOUT_QUEUE_URL")?);
    let recipients = Recipients { members, connections: connections.clone(), subscriptions };
    let delivery = Delivery { recipients, fanout };
    let handler = Handler { membership, deletion, connections, delivery, pusher };
    http::run(async |request| handler.handle(request).await).await
}
