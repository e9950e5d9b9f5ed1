//! The sockets' function: registers listeners, and answers `{"action":"show","id":…}` with the poll.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use polls::{Listeners, Polls, aws_config};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let (polls, listeners) = (Polls::new(&config)?, Listeners::new(&config)?);
    run(service_fn(async |event: LambdaEvent<Value>| answer(&polls, &listeners, &event.payload).await)).await
}

async fn answer(polls: &Polls, listeners: &Listeners, event: &Value) -> Result<Value, Error> {
    let context = &event["requestContext"];
    let connection = context["connectionId"].as_str().unwrap_or_default();
    match context["routeKey"].as_str() {
        Some("$connect") => listeners.add(connection).await?,
        Some("$disconnect") => listeners.remove(connection).await?,
        _ => {
            let frame: Value = serde_json::from_str(event["body"].as_str().unwrap_or_default())?;
            let poll = polls.get(frame["id"].as_str().unwrap_or_default()).await?;
            return Ok(json!({ "statusCode": 200, "body": json!({ "poll": poll }).to_string() }));
        }
    }
    Ok(json!({ "statusCode": 200 }))
}
