//! Wires [`file_cleanup`] and serves its queue.

use file_cleanup::Worker;
use lambda_kit::{Error, Wiring, queue};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let worker = Worker { files: wiring.files()? };
    queue::run(async |event, _deadline| worker.handle(event).await).await
}
