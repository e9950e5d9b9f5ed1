//! Wires the function and serves its queue.

use lambda_kit::config::number;
use lambda_kit::{Error, Wiring, queue};

use crate::Worker;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (log, notifier) = (wiring.log()?, wiring.notifier()?);
    let worker = Worker { log, notifier, posts_per_second: number("FANOUT_RATE")? };
    worker.notifier.warm_up().await;
    queue::run(async |event, deadline| worker.handle(event, deadline).await).await
}
