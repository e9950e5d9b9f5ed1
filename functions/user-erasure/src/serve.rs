//! Wires the function and serves its queue.

use lambda_kit::{Error, Wiring, queue};

use crate::Worker;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let worker = Worker { job: Wiring::start().await.erasure_job()? };
    queue::run(async |event, deadline| worker.handle(event, deadline).await).await
}
