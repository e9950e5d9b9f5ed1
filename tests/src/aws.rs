//! AWS clients for the local cloud, and what the functions use built on them.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use chat::archive::Archive;
use chat::log::{Log, LogCache};
use chat::notify::{Notifier, Recipients};
use domain::SegmentSize;
use lambda_kit::config::http_connector;
use sqlx_data_api::DataApiPool;
use store::chunk_objects::ChunkObjects;
use store::connections_api::ConnectionsApi;
use store::dynamodb::{Chunks, Connections, Members, Messages, Subscriptions};
use store::opensearch::MessageIndex;
use store::sql::{Patience, connect};
use store::sqs::Queue;

use crate::Cloud;

/// The configuration that clients share, without an endpoint. They sign with the developer's key.
pub fn config() -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(lambda_kit::config::http_client())
        .build()
}

/// The same with a caller of its own: in a fault plan, its requests are those of the function `caller`.
pub fn config_as(caller: &str) -> SdkConfig {
    let credentials = Credentials::new("local", "local", Some(caller.to_owned()), None, "tests");
    config().to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}

/// DynamoDB at an endpoint: the cloud's own, or a proxy before it.
pub fn dynamodb(endpoint: &str) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&config().to_builder().endpoint_url(endpoint).build())
}

/// DynamoDB of a cloud for the same. Retries as the functions do, only sooner.
pub fn dynamodb_as(cloud: &Cloud, caller: &str) -> aws_sdk_dynamodb::Client {
    let config = config_as(caller)
        .to_builder()
        .endpoint_url(&cloud.endpoints.aws.dynamodb)
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(5)))
        .build();
    aws_sdk_dynamodb::Client::new(&config)
}

/// The index of messages of a cloud.
///
/// # Panics
///
/// Where no HTTP client can be built.
pub fn message_index(cloud: &Cloud) -> MessageIndex {
    // Fails where another test of this process was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    MessageIndex::new(&config(), http_connector(), &cloud.endpoints.aws.opensearch, "aoss")
        .expect("a region and credentials")
}

/// The objects of the archive of a cloud.
///
/// # Panics
///
/// Where no HTTP client can be built.
pub fn chunk_objects(cloud: &Cloud) -> ChunkObjects {
    // Fails where another test of this process was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("{}/local-archivebucket", cloud.endpoints.aws.s3);
    ChunkObjects::at(&config(), http_connector(), &url).expect("a region and credentials")
}

/// The archive of a cloud.
pub fn archive(cloud: &Cloud) -> Archive {
    Archive::new(chunks(cloud), chunk_objects(cloud), SegmentSize::STORED)
}

/// The index of the archive of a cloud.
pub fn chunks(cloud: &Cloud) -> Chunks {
    Chunks::new(dynamodb(&cloud.endpoints.aws.dynamodb), MESSAGES.to_owned())
}

/// SQS of a cloud.
pub fn sqs(cloud: &Cloud) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(&config().to_builder().endpoint_url(&cloud.endpoints.aws.sqs).build())
}

/// EventBridge Scheduler of a cloud.
pub fn scheduler(cloud: &Cloud) -> aws_sdk_scheduler::Client {
    aws_sdk_scheduler::Client::new(&config().to_builder().endpoint_url(&cloud.endpoints.aws.scheduler).build())
}

/// The queue of the `relay` worker.
pub fn relay_queue_url(cloud: &Cloud) -> String {
    queue_url(cloud, "RelayQueue")
}

/// The queue of the `receipts` worker.
pub fn receipts_queue_url(cloud: &Cloud) -> String {
    queue_url(cloud, "ReceiptsQueue")
}

/// The queue of the `fanout` worker.
pub fn fanout_queue_url(cloud: &Cloud) -> String {
    queue_url(cloud, "FanoutQueue")
}

/// The queue of the `file-cleanup` worker.
pub fn files_queue_url(cloud: &Cloud) -> String {
    queue_url(cloud, "FilesQueue")
}

/// The queue with this logical id.
pub fn queue_url(cloud: &Cloud, name: &str) -> String {
    format!("{}/000000000000/local-{name}", cloud.endpoints.aws.sqs)
}

/// The database of a cloud, as its owner.
pub fn database(cloud: &Cloud) -> DataApiPool {
    database_as(cloud, "rds!cluster-local-database")
}

/// The database of a cloud, as the user of the secret with this name.
pub fn database_as(cloud: &Cloud, secret: &str) -> DataApiPool {
    let rds_data = (&config().to_builder().endpoint_url(&cloud.endpoints.aws.rds_data).build()).into();
    let arn = |service: &str, resource: &str| format!("arn:aws:{service}:us-east-1:000000000000:{resource}");
    let (cluster, secret) = (arn("rds", "cluster:local-database"), arn("secretsmanager", &format!("secret:{secret}")));
    connect(rds_data, cluster, secret, "palaver".to_owned(), Patience::MIGRATIONS, 1)
}

/// The secrets of a cloud.
pub fn secrets(cloud: &Cloud) -> aws_sdk_secretsmanager::Client {
    let endpoint = &cloud.endpoints.aws.secretsmanager;
    aws_sdk_secretsmanager::Client::new(&config().to_builder().endpoint_url(endpoint).build())
}

/// Name in the ARN of the functions' secret.
pub const FUNCTIONS_SECRET: &str = "local-FunctionsSecret-local0";

/// API Gateway's `@connections` of a cloud, for requests that count as those of the function `caller`.
///
/// # Panics
///
/// Never: there are a region and credentials.
pub fn connections_api_as(cloud: &Cloud, caller: &str) -> ConnectionsApi {
    let endpoint = cloud.endpoints.aws.apigatewaymanagementapi.clone();
    let api = ConnectionsApi::new(&config_as(caller), http_connector(), endpoint);
    api.expect("a region and credentials")
}

/// A notifier over a DynamoDB client, which hands over to the queue at `fanout_url`.
pub fn notifier_as(cloud: &Cloud, caller: &str, dynamodb: &aws_sdk_dynamodb::Client, fanout_url: String) -> Notifier {
    let recipients = Recipients::new(
        log(dynamodb).members,
        Connections::new(dynamodb.clone(), CONNECTIONS.to_owned()),
        Subscriptions::new(dynamodb.clone(), SUBSCRIPTIONS.to_owned()),
    );
    Notifier::new(recipients, connections_api_as(cloud, caller), Queue::new(sqs(cloud), fanout_url))
}

/// Name of the table `connections`.
pub const CONNECTIONS: &str = "local-ConnectionsTable";

/// Name of the table `messages`.
pub const MESSAGES: &str = "local-MessagesTable";

/// Name of the table `members`.
pub const MEMBERS: &str = "local-MembersTable";

/// Name of the table `subscriptions`.
pub const SUBSCRIPTIONS: &str = "local-SubscriptionsTable";

/// Table of the read watermarks, and of mentions.
pub const READ_STATUS: &str = "local-ReadStatusTable";

/// The log as a process that has just started knows it, over a DynamoDB client.
pub fn log(dynamodb: &aws_sdk_dynamodb::Client) -> Log {
    Log {
        messages: Messages::new(dynamodb.clone(), MESSAGES.to_owned()),
        members: Members::new(dynamodb.clone(), MEMBERS.to_owned()),
        archive: None,
        flood_limit: None,
        cache: LogCache::default(),
    }
}
