//! Wires the function and serves its queue.

use lambda_kit::{Error, Wiring, queue};

use crate::Worker;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (deletion, notifier) = (wiring.deletion()?, wiring.notifier()?);
    let worker = Worker { deletion, notifier, files: wiring.queue("FILES_QUEUE_URL")? };
    queue::run(async |event, deadline| worker.handle(event, deadline).await).await
}
