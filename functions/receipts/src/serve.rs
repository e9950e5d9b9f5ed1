//! Wires the function and serves its queue.

use lambda_kit::{Error, Wiring, queue};

use crate::Worker;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let worker = Worker { receipts: wiring.receipts()?, notifier: wiring.user_notifier()? };
    worker.notifier.warm_up().await;
    queue::run(async |event, deadline| worker.handle(event.into(), deadline).await).await
}
