//! Wires [`file_inspect`] and serves its bucket.

use file_inspect::Inspector;
use lambda_kit::{Error, Wiring, bucket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let wiring = Wiring::start().await;
    let inspector = Inspector { inspections: wiring.inspections()?, notifier: wiring.user_notifier()? };
    bucket::run(async |key| inspector.handle(&key).await).await
}
