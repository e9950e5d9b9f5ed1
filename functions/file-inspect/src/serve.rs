//! Wires the function and serves its bucket.

use lambda_kit::{Error, Wiring, bucket};

use crate::Inspector;

/// Serves until Lambda ends the process.
pub async fn serve() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let inspector = Inspector { inspections: wiring.inspections()?, notifier: wiring.user_notifier()? };
    bucket::run(async |key| inspector.handle(&key).await).await
}
