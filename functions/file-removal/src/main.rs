//! Wires [`file_removal`].

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use chat::files::{Release, Removal};
use file_removal::Worker;
use lambda_kit::config::{aws, required, seconds};
use lambda_kit::{Error, queue, telemetry};
use store::dynamodb::Files;
use store::s3::Objects;
use store::sql::{FileMetadata, connect};
use store::sqs::Queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let pool = connect((&aws).into(), required("CLUSTER_ARN")?, required("SECRET_ARN")?, required("DATABASE")?);
    let release = Release {
        files: Files::new(aws_sdk_dynamodb::Client::new(&aws), required("FILES_TABLE")?),
        queue: Queue::new(aws_sdk_sqs::Client::new(&aws), required("FILES_QUEUE_URL")?),
        grace: seconds("FILE_GRACE")?,
    };
    let objects = Objects::new(aws_sdk_s3::Client::new(&aws), required("FILES_BUCKET")?);
    let worker = Worker { removal: Removal { release, metadata: FileMetadata::new(pool), objects } };
    queue::run(async |event, _deadline| worker.handle(event).await).await
}
