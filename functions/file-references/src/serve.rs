//! Wires the function and serves its stream.

use lambda_kit::{Error, Wiring, stream};

use crate::Worker;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let worker = Worker {
        references: wiring.file_references()?,
        mentions: wiring.mentions()?,
        archive: wiring.archive_queue()?,
        visits: wiring.visits_if_any()?,
    };
    stream::run(async |record| worker.handle(record).await).await
}
