//! Wires [`file_references`] and serves its stream.

use file_references::Worker;
use lambda_kit::{Error, Wiring, stream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let worker = Worker { references: wiring.file_references()? };
    stream::run(async |record| worker.handle(record).await).await
}
