//! Waiting before a conflicting write is tried again.

use std::time::Duration;

use rand::RngExt;

/// Longest wait before the first retry; it doubles with each.
const BASE_MILLIS: u64 = 5;

/// Longest wait before any retry.
const CAP_MILLIS: u64 = 200;

/// Sleeps a random time that grows with `round` (full jitter: contenders spread out instead of meeting again).
pub async fn back_off(round: u32) {
    let ceiling = BASE_MILLIS.saturating_mul(1 << round.min(16)).min(CAP_MILLIS);
    let millis = rand::rng().random_range(0..=ceiling);
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
