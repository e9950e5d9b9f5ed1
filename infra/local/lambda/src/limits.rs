//! Limits of function instances: their times, and the size of their replies.

use std::time::Duration;

/// Largest reply in bytes: 6 MiB and 100 bytes.
pub(crate) const MAX_RESPONSE_BYTES: usize = 6 * 1024 * 1024 + 100;

/// Times that AWS fixes and tests shorten.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest first init phase. AWS: 10 s.
    pub init: Duration,
    /// Time that an instance stays warm without work. AWS does not document it; minutes have been observed.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { init: Duration::from_secs(10), idle: Duration::from_mins(10) }
    }
}
