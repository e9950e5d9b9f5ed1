//! A Lambda function that sends each message that it gets back to its queue, with AWS's own client.

use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_sqs::Client;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let endpoint = std::env::var("AWS_ENDPOINT_URL_SQS")?;
    let client = Client::new(&local_testing::sdk(&endpoint, "Echo"));
    run(service_fn(|event: LambdaEvent<SqsEvent>| resend(&client, &endpoint, event.payload))).await
}

async fn resend(client: &Client, endpoint: &str, event: SqsEvent) -> Result<(), Error> {
    for record in event.records {
        let arn = record.event_source_arn.ok_or("a record without its queue")?;
        let queue = arn.rsplit(':').next().unwrap_or_default();
        let request = client.send_message().queue_url(format!("{endpoint}/000000000000/{queue}"));
        request.set_message_body(record.body).send().await?;
    }
    Ok(())
}
