//! Wires the function and serves both kinds of events.

use aws_lambda_events::sqs::SqsEvent;
use lambda_kit::{Error, Wiring};
use lambda_runtime::LambdaEvent;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Request, Worker};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let worker = Worker { retention: Wiring::start().await.retention()? };
    lambda_kit::serve(async |event: LambdaEvent<Value>| {
        if event.payload.get("Records").is_none() {
            let request = Request::deserialize(event.payload)?;
            return Ok(serde_json::to_value(worker.begin(request).await?)?);
        }
        let failed = worker.handle(SqsEvent::deserialize(event.payload)?).await;
        let failures: Vec<Value> = failed.iter().map(|id| json!({"itemIdentifier": id})).collect();
        Ok::<_, Error>(json!({"batchItemFailures": failures}))
    })
    .await
}
