//! Waiting before a conflicting write is tried again.

use std::time::Duration;

use crate::clock::sleep;

/// Longest wait before the first retry; it doubles with each.
const BASE_MILLIS: u64 = 5;

/// Longest wait before any retry.
const CAP_MILLIS: u64 = 200;

/// Sleeps a random time that grows with `round` (full jitter: contenders spread out instead of meeting again).
pub async fn back_off(round: u32) {
    let ceiling = BASE_MILLIS.saturating_mul(1 << round.min(16)).min(CAP_MILLIS);
    // The generator of the SDK's own jitter: a simulation can seed it.
    let millis = fastrand::u64(0..=ceiling);
    sleep(Duration::from_millis(millis)).await;
}
