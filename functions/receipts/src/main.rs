//! Wires [`receipts`] and serves its queue.

use lambda_kit::{Error, Wiring, queue};
use receipts::Worker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let worker = Worker { receipts: wiring.receipts()?, notifier: wiring.user_notifier()? };
    worker.notifier.warm_up().await;
    queue::run(async |event, deadline| worker.handle(event.into(), deadline).await).await
}
