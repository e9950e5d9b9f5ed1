//! Wires the function and serves both kinds of events.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use lambda_kit::{Error, Wiring, deadline};
use lambda_runtime::LambdaEvent;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Request, Worker};

/// Part of an invocation's time that is reserved for what has begun.
const RESERVE: Duration = Duration::from_secs(15);

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let worker = Worker { tasks: Wiring::start().await.archive_tasks()? };
    lambda_kit::serve(async |event: LambdaEvent<Value>| {
        if event.payload.get("Records").is_none() {
            let request = Request::deserialize(event.payload)?;
            return Ok(serde_json::to_value(worker.begin(request).await?)?);
        }
        let until = deadline(&event.context).minus(RESERVE);
        let failed = worker.handle(SqsEvent::deserialize(event.payload)?, until).await;
        let failures: Vec<Value> = failed.iter().map(|id| json!({"itemIdentifier": id})).collect();
        Ok::<_, Error>(json!({"batchItemFailures": failures}))
    })
    .await
}
