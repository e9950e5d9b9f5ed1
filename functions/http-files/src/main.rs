//! Wires [`http_files`].

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use chat::files::{Release, Removal};
use chat::log::Log;
use http_files::{Handler, Limits};
use lambda_kit::config::{aws, number, required, seconds};
use lambda_kit::{Error, http, telemetry};
use store::dynamodb::{Connections, Files, Members, Messages};
use store::s3::Objects;
use store::sql::{FileMetadata, connect};
use store::sqs::Queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
    let pool = connect((&aws).into(), required("CLUSTER_ARN")?, required("SECRET_ARN")?, required("DATABASE")?);
    let release = Release {
        files: Files::new(dynamodb.clone(), required("FILES_TABLE")?),
        queue: Queue::new(aws_sdk_sqs::Client::new(&aws), required("FILES_QUEUE_URL")?),
        grace: seconds("FILE_GRACE")?,
    };
    let objects = Objects::new(aws_sdk_s3::Client::new(&aws), required("FILES_BUCKET")?);
    let handler = Handler {
        log: Log {
            messages: Messages::new(dynamodb.clone(), required("MESSAGES_TABLE")?),
            members: Members::new(dynamodb.clone(), required("MEMBERS_TABLE")?),
            flood_limit: None,
        },
        removal: Removal { release, metadata: FileMetadata::new(pool), objects },
        connections: Connections::new(dynamodb, required("CONNECTIONS_TABLE")?),
        limits: Limits {
            quota: number("FILE_QUOTA")?,
            multipart_above: number("MULTIPART_ABOVE")?,
            upload_lifetime: seconds("UPLOAD_LIFETIME")?,
        },
    };
    handler.log.warm_up().await;
    http::run(async |request| handler.handle(request).await).await
}
