//! Wires [`file_uploaded`].

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use file_uploaded::Inspection;
use lambda_kit::config::{aws, required};
use lambda_kit::{Error, bucket, telemetry};
use store::connections_api::ConnectionsApi;
use store::dynamodb::{Connections, Files};
use store::s3::Objects;
use store::sql::{FileMetadata, connect};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let pool = connect((&aws).into(), required("CLUSTER_ARN")?, required("SECRET_ARN")?, required("DATABASE")?);
    let inspection = Inspection {
        metadata: FileMetadata::new(pool),
        files: Files::new(dynamodb.clone(), required("FILES_TABLE")?),
        objects: Objects::new(aws_sdk_s3::Client::new(&aws), required("FILES_BUCKET")?),
        connections: Connections::new(dynamodb, required("CONNECTIONS_TABLE")?),
        pusher: ConnectionsApi::new(&aws, required("CONNECTIONS_ENDPOINT")?),
    };
    bucket::run(async |key| inspection.handle(&key).await).await
}
