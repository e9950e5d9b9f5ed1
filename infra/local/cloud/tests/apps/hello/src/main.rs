//! Says hello, and from which route.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(async |event: LambdaEvent<Value>| {
        let route = event.payload["requestContext"]["routeKey"].as_str().unwrap_or("nowhere").to_owned();
        Ok::<_, Error>(json!({ "statusCode": 200, "body": format!("hello from {route}") }))
    }))
    .await
}
