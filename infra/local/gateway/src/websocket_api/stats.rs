//! Counters of a WebSocket API.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use local_aws::usage::websocket_units;

/// Counters of one API, there to be read while it runs.
#[derive(Debug, Default)]
pub struct Stats {
    open: Mutex<Open>,
    frames_in: AtomicU64,
    frames_out: AtomicU64,
    units_in: AtomicU64,
    units_out: AtomicU64,
}

/// The number of open connections over time.
#[derive(Debug)]
struct Open {
    connections: u32,
    /// Their time together, until `as_of`.
    time: Duration,
    as_of: Instant,
}

impl Default for Open {
    fn default() -> Self {
        Self { connections: 0, time: Duration::ZERO, as_of: Instant::now() }
    }
}

impl Open {
    fn update(&mut self) {
        let now = Instant::now();
        self.time += (now - self.as_of) * self.connections;
        self.as_of = now;
    }
}

impl Stats {
    /// Connections that are open at this moment.
    pub fn connections(&self) -> u64 {
        self.open().connections.into()
    }

    /// Returns the open time of all connections together.
    pub fn connection_time(&self) -> Duration {
        let mut open = self.open();
        open.update();
        open.time
    }

    /// Returns the number of text messages received.
    pub fn frames_in(&self) -> u64 {
        self.frames_in.load(Ordering::Relaxed)
    }

    /// Messages sent: posts, route responses and the gateway's own errors.
    pub fn frames_out(&self) -> u64 {
        self.frames_out.load(Ordering::Relaxed)
    }

    /// Messages received as they are billed: one for every 32 KB.
    pub fn units_in(&self) -> u64 {
        self.units_in.load(Ordering::Relaxed)
    }

    /// Messages sent as they are billed: one for every 32 KB.
    pub fn units_out(&self) -> u64 {
        self.units_out.load(Ordering::Relaxed)
    }

    /// Counts from zero again. Connections stay open.
    pub fn reset(&self) {
        let mut open = self.open();
        *open = Open { connections: open.connections, ..Open::default() };
        for counter in [&self.frames_in, &self.frames_out, &self.units_in, &self.units_out] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn opened(&self) {
        let mut open = self.open();
        open.update();
        open.connections += 1;
    }

    pub(super) fn closed(&self) {
        let mut open = self.open();
        open.update();
        open.connections -= 1;
    }

    pub(super) fn received(&self, size: usize) {
        self.frames_in.fetch_add(1, Ordering::Relaxed);
        self.units_in.fetch_add(websocket_units(size), Ordering::Relaxed);
    }

    pub(super) fn sent(&self, size: usize) {
        self.frames_out.fetch_add(1, Ordering::Relaxed);
        self.units_out.fetch_add(websocket_units(size), Ordering::Relaxed);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing panics while it holds the lock: every `closed` follows an `opened`.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use local_aws::usage::WEBSOCKET_UNIT_BYTES;

    use super::*;

    #[test]
    fn messages_are_billed_by_32_kb() {
        let stats = Stats::default();
        stats.received(0);
        stats.sent(WEBSOCKET_UNIT_BYTES);
        stats.sent(WEBSOCKET_UNIT_BYTES + 1);
        assert_eq!((stats.frames_in(), stats.units_in(), stats.frames_out(), stats.units_out()), (1, 1, 2, 3));
    }

    #[test]
    fn connections_that_are_open_outlive_a_reset() {
        let stats = Stats::default();
        stats.opened();
        let time = || stats.connection_time();
        while time().is_zero() {}
        stats.reset();
        stats.opened();
        assert_eq!(stats.connections(), 2);
        stats.closed();
        stats.closed();
        let total = time();
        assert_eq!((stats.connections(), time()), (0, total));
    }
}
