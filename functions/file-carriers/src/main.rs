//! Wires [`file_carriers`].

use chat::files::Release;
use file_carriers::Carriers;
use lambda_kit::config::{aws, required, seconds};
use lambda_kit::{Error, stream, telemetry};
use store::dynamodb::Files;
use store::sqs::Queue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = aws().await;
    let carriers = Carriers {
        release: Release {
            files: Files::new(aws_sdk_dynamodb::Client::new(&aws), required("FILES_TABLE")?),
            queue: Queue::new(aws_sdk_sqs::Client::new(&aws), required("FILES_QUEUE_URL")?),
            grace: seconds("FILE_GRACE")?,
        },
    };
    stream::run(async |record| carriers.handle(record).await).await
}
