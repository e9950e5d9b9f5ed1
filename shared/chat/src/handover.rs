//! Work that is longer than an invocation: a worker claims it, and hands over before its time is over.

use std::time::Duration;

use domain::Timestamp;
use store::StoreError;
use tokio::time::sleep;

/// Time that is left of an invocation when it hands over: more than one step takes, and a checkpoint.
pub(crate) const HANDOVER_RESERVE: Duration = Duration::from_secs(45);

/// Time for which a claim outlives its invocation: a request of it may be under way.
pub(crate) const CLAIM_RESERVE: Duration = Duration::from_secs(30);

/// Time after which a checkpoint is written.
pub(crate) const CHECKPOINT_TIME: Duration = Duration::from_secs(10);

/// Most times in a row that work is handed over by a queue message. Lambda ends a chain of 16.
pub(crate) const MAX_ROUNDS: u32 = 10;

/// Attempts of an invocation while a service is busy, and the wait before another one.
const MAX_ATTEMPTS: u32 = 3;
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Makes attempts while a service is busy, as long as the invocation that ends at `deadline` has time for another one.
pub(crate) async fn while_busy<T>(
    deadline: Timestamp,
    attempt: impl AsyncFn() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    for _ in 1..MAX_ATTEMPTS {
        match attempt().await {
            Err(StoreError::Busy { .. }) if Timestamp::now() < deadline.minus(HANDOVER_RESERVE) => {}
            result => return result,
        }
        sleep(RETRY_DELAY).await;
    }
    attempt().await
}
