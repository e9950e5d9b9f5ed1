//! Puts down on the front page which results are in the bucket.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use polls::{FrontPage, aws_config, poll_of};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let front_page = FrontPage::new(&aws_config().await)?;
    run(service_fn(async |event: LambdaEvent<Value>| index(&front_page, &event.payload).await)).await
}

async fn index(front_page: &FrontPage, event: &Value) -> Result<(), Error> {
    for record in event["Records"].as_array().into_iter().flatten() {
        let object = &record["s3"]["object"];
        let key = object["key"].as_str().unwrap_or_default();
        let Some(poll) = poll_of(key) else {
            continue;
        };
        if !front_page.index(poll, key, object["size"].as_u64().unwrap_or_default()).await? {
            println!("the poll of {key} is gone");
        }
    }
    Ok(())
}
