//! Wires the function and serves both kinds of events.

use std::time::Duration;

use aws_lambda_events::sqs::SqsEvent;
use domain::error::causes;
use lambda_kit::{Error, Wiring, deadline};
use lambda_runtime::LambdaEvent;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Request, Worker};

/// Part of an invocation's time that is reserved for what has begun, and for the answer.
const RESERVE: Duration = Duration::from_secs(20);

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let worker = Worker { reindex: Wiring::start().await.reindex()? };
    lambda_kit::serve(async |event: LambdaEvent<Value>| {
        let until = deadline(&event.context).minus(RESERVE);
        if event.payload.get("Records").is_none() {
            let request = Request::deserialize(event.payload)?;
            // The whole reason, since the operator reads it.
            let answer = worker.begin(request).await.map_err(|error| causes(&error))?;
            return Ok(serde_json::to_value(answer)?);
        }
        let failed = worker.handle(SqsEvent::deserialize(event.payload)?, until).await;
        let failures: Vec<Value> = failed.iter().map(|id| json!({"itemIdentifier": id})).collect();
        Ok::<_, Error>(json!({"batchItemFailures": failures}))
    })
    .await
}
