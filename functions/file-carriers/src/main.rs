//! Wires [`file_carriers`].

use file_carriers::Carriers;
use lambda_kit::config::{aws, required, seconds};
use lambda_kit::{Error, stream, telemetry};
use store::dynamodb::Files;
use store::queues::Queue;
use store::removal::Release;

#[tokio::main]
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
