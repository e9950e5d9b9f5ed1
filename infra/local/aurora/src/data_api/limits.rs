//! Limits of the service.

use std::time::Duration;

/// Limits of the Data API. [`Limits::default`] is AWS's; tests of what happens at a limit ask for smaller ones.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one row of a result, as PostgreSQL sends it.
    pub row_bytes: usize,
    /// Bytes of one response.
    pub response_bytes: usize,
    /// Bytes of one request's body.
    pub request_bytes: usize,
    /// Time that a call waits for its statement.
    pub statement: Duration,
    /// Longest time between two calls of a transaction.
    pub transaction_idle: Duration,
    /// Longest duration of a transaction.
    pub transaction: Duration,
    /// Connections to PostgreSQL, over all databases. A call that finds none free waits for as long as for its
    /// statement.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            row_bytes: 64 * 1024,
            response_bytes: 1024 * 1024,
            request_bytes: 4 * 1024 * 1024,
            statement: Duration::from_secs(45),
            transaction_idle: Duration::from_mins(3),
            transaction: Duration::from_hours(24),
            // PostgreSQL's own default is 100, of which three are for superusers; some are left for `psql`.
            connections: 80,
        }
    }
}
