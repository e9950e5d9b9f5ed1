//! Wires the function and serves its stream.

use aws_lambda_events::dynamodb::EventRecord;
use lambda_kit::{Error, Wiring, stream};

use crate::{Record, Worker};

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let worker = Worker::new(wiring.message_index()?, wiring.queue("SEARCH_DEAD_LETTER_QUEUE_URL")?);
    let handle = async |records: Vec<EventRecord>| {
        let failed = worker.handle(records.into_iter().map(Record::from).collect()).await;
        failed.into_iter().collect()
    };
    stream::run_batches(handle).await
}
