//! Wires the function and serves its stream.

use lambda_kit::{Error, Wiring, stream};

use crate::{Record, Worker};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let worker = Worker::new(wiring.message_index()?, wiring.queue("SEARCH_DEAD_LETTER_QUEUE_URL")?);
    stream::run_batches(async |records| worker.handle(records.into_iter().map(Record::from).collect()).await).await
}
