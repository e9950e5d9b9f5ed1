//! AWS clients for the local cloud, and what the functions use built on them.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use store::dynamodb::{Members, Messages};
use store::log::Log;

use crate::Cloud;

/// What clients share, without an endpoint.
pub fn config() -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(lambda_kit::config::http_client())
        .build()
}

/// DynamoDB at an endpoint: the cloud's own, or a proxy before it.
pub fn dynamodb(endpoint: &str) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&config().to_builder().endpoint_url(endpoint).build())
}

/// SQS of a cloud.
pub fn sqs(cloud: &Cloud) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(&config().to_builder().endpoint_url(&cloud.endpoints.aws.sqs).build())
}

/// The RDS Data API of a cloud.
pub fn rds_data(cloud: &Cloud) -> aws_sdk_rdsdata::config::Builder {
    (&config().to_builder().endpoint_url(&cloud.endpoints.aws.rds_data).build()).into()
}

/// The log, over a DynamoDB client.
pub fn log(dynamodb: &aws_sdk_dynamodb::Client) -> Log {
    Log {
        messages: Messages::new(dynamodb.clone(), "local-MessagesTable".to_owned()),
        members: Members::new(dynamodb.clone(), "local-MembersTable".to_owned()),
    }
}
