//! Wires the function and serves its queue.

use lambda_kit::{Error, Wiring, queue};

use crate::Worker;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let worker = Worker { files: wiring.files()? };
    queue::run(async |event, _deadline| worker.handle(event).await).await
}
