//! Answers before Lambda ends the invocation.
//!
//! If a service is slow, the time of an invocation can run out, and API Gateway answers with an error without a code. This
//! module answers `busy` before that.

use std::time::Duration;

use domain::{ApiError, Timestamp};
use lambda_runtime::Context;

/// Part of an invocation's time that is reserved for the answer.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);

/// Time after which a client should retry.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Returns the time at which Lambda ends the invocation.
pub(crate) fn of(context: &Context) -> Timestamp {
    Timestamp::nearest(i64::try_from(context.deadline).unwrap_or(i64::MAX))
}

/// Returns the result of `work`, or `busy` a second before the deadline. The work may have succeeded then, as after any lost
/// answer.
pub(crate) fn within<T>(
    deadline: Timestamp,
    work: impl Future<Output = Result<T, ApiError>>,
) -> impl Future<Output = Result<T, ApiError>> {
    let left = deadline.since(Timestamp::now()).saturating_sub(ANSWER_RESERVE);
    // The SDK's futures nest almost as deeply as the compiler supports, so they are boxed.
    let work = Box::pin(work);
    async move {
        let in_time = tokio::time::timeout(left, work).await;
        in_time.unwrap_or_else(|elapsed| Err(ApiError::busy(RETRY_AFTER).caused_by(elapsed)))
    }
}
