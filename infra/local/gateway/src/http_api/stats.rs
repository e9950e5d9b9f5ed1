//! Counters of an HTTP API.

use std::sync::atomic::{AtomicU64, Ordering};

/// Requests are metered in 512 KB: <https://aws.amazon.com/api-gateway/pricing/>.
const UNIT_BYTES: usize = 512 * 1024;

/// Counters of one API, there to be read while it runs.
#[derive(Debug, Default)]
pub struct Stats {
    requests: AtomicU64,
    units: AtomicU64,
}

impl Stats {
    /// Counts a request with a body of so many bytes.
    pub(super) fn request(&self, size: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.units.fetch_add(size.div_ceil(UNIT_BYTES).max(1) as u64, Ordering::Relaxed);
    }

    /// Requests, whatever their answer.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests as they are billed: one for every 512 KB.
    pub fn units(&self) -> u64 {
        self.units.load(Ordering::Relaxed)
    }

    /// Counts from zero again.
    pub fn reset(&self) {
        self.requests.store(0, Ordering::Relaxed);
        self.units.store(0, Ordering::Relaxed);
    }
}
