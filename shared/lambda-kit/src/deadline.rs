//! Answering before Lambda ends the invocation.
//!
//! Where a service answers slowly, again and again, the time of an invocation can run out. Who waits is then told by API Gateway that
//! something failed, without a code. Here they are told by us that they may ask again.

use std::time::Duration;

use domain::{ApiError, Timestamp};
use lambda_runtime::Context;

/// What is kept of an invocation's time for the answer.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);

/// When a client should come again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// When Lambda ends the invocation.
pub(crate) fn of(context: &Context) -> Timestamp {
    Timestamp::from_epoch_millis(i64::try_from(context.deadline).unwrap_or(i64::MAX))
}

/// What `work` gives, if it does so a second before the deadline; else `busy`. What was begun may then have been carried out,
/// as after any lost answer.
pub(crate) fn within<T>(
    deadline: Timestamp,
    work: impl Future<Output = Result<T, ApiError>>,
) -> impl Future<Output = Result<T, ApiError>> {
    let left = deadline.since(Timestamp::now()).saturating_sub(ANSWER_RESERVE);
    // The SDK's futures nest almost as deeply as the compiler follows: they go into a box.
    let work = Box::pin(work);
    async move {
        let in_time = tokio::time::timeout(left, work).await;
        in_time.unwrap_or_else(|elapsed| Err(ApiError::busy(RETRY_AFTER).caused_by(elapsed)))
    }
}
