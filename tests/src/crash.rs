//! Crashes of invocations that run in the test's own process.

use std::future::poll_fn;
use std::task::Poll;

/// Returns the output, or `None` where the machine crashes: then the future is dropped after so many polls, between two of its
/// calls or while one is under way.
pub async fn unless_crashed<T>(future: impl Future<Output = T>, after: Option<u32>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut polls = 0;
    poll_fn(|context| {
        if after == Some(polls) {
            return Poll::Ready(None);
        }
        polls += 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}
