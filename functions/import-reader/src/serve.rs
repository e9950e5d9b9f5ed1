//! Wires the function and serves its queue.

use lambda_kit::{Error, Wiring, queue};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let job = wiring.import_job()?;
    queue::run(async |event, deadline| crate::handle(&job, event, deadline).await).await
}
