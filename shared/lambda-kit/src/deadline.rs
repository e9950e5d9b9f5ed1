//! Answers before Lambda ends the invocation.
//!
//! If a service is slow, the time of an invocation can run out, and API Gateway answers with an error without a code. This
//! module answers `busy` before that.

use std::time::Duration;

use domain::{ApiError, Timestamp};
use lambda_runtime::Context;

/// Part of an invocation's time that is reserved for the answer.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);

/// Longest time from a request's arrival at API Gateway to its answer, that of starting the function included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Shortest time that a request gets, however late its function started.
const MIN_TIME: Duration = Duration::from_millis(1_500);

/// Time after which a client should retry.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Returns the time at which Lambda ends the invocation.
pub fn of(context: &Context) -> Timestamp {
    Timestamp::nearest(i64::try_from(context.deadline).unwrap_or(i64::MAX))
}

/// Returns the time by which a request has to be answered that arrived at API Gateway at this time, in milliseconds.
pub(crate) fn of_request(context: &Context, arrived_millis: i64) -> Timestamp {
    let now = Timestamp::now();
    let waited = now.epoch_millis().saturating_sub(arrived_millis);
    let waited =
        u64::try_from(waited).ok().filter(|_| arrived_millis > 0).map_or(Duration::ZERO, Duration::from_millis);
    of(context).min(now.plus(ANSWER_TIMEOUT.saturating_sub(waited).max(MIN_TIME)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_for_an_answer_counts_from_the_arrival_of_the_request() {
        let mut context = Context::default();
        let now = Timestamp::now();
        context.deadline = u64::try_from(now.epoch_millis()).unwrap() + 29_000;
        let left = |arrived: i64| (of_request(&context, arrived).since(now).as_millis() + 500) / 1000;
        let arrived = |seconds: i64| now.epoch_millis() - 1000 * seconds;
        assert_eq!([left(arrived(0)), left(arrived(6)), left(arrived(-5)), left(0)], [10, 4, 10, 10]);
        assert_eq!(left(arrived(60)), 2, "the least that a request gets");
        context.deadline = u64::try_from(now.epoch_millis()).unwrap() + 3_000;
        assert_eq!(of_request(&context, arrived(0)).since(now).as_secs(), 3);
    }
}
