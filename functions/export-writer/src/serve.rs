//! Wires the function and serves its queue.

use lambda_kit::{Error, Wiring, queue};

use crate::Worker;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let worker = Worker { job: wiring.export_job()?, notifier: wiring.user_notifier()? };
    queue::run(async |event, deadline| worker.handle(event, deadline).await).await
}
