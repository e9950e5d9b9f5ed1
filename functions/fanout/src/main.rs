//! Wires [`fanout`] and serves its queue.

use fanout::Worker;
use lambda_kit::config::number;
use lambda_kit::{Error, Wiring, queue};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let (log, notifier) = (wiring.log()?, wiring.notifier()?);
    let worker = Worker { log, notifier, posts_per_second: number("FANOUT_RATE")? };
    worker.notifier.warm_up().await;
    queue::run(async |event, deadline| worker.handle(event, deadline).await).await
}
