//! Closes the polls whose time has come.

use std::time::{SystemTime, UNIX_EPOCH};

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use polls::{Polls, aws_config};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let polls = Polls::new(&aws_config().await)?;
    run(service_fn(async |_: LambdaEvent<Value>| close(&polls).await)).await
}

async fn close(polls: &Polls) -> Result<(), Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    for id in polls.due(now).await? {
        // It may have been closed or deleted meanwhile.
        let closed = polls.close(&id).await?;
        println!("{id}: {}", if closed { "closed" } else { "not open any more" });
    }
    Ok(())
}
