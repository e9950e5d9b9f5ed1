//! The intervals at which a client acts.

use std::time::Duration;

/// Intervals and timeouts of the client. The defaults follow the protocol; tests use shorter ones.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time that a gap is held: the missing items are usually on their way.
    pub gap: Duration,
    /// Delay of the second sync after connecting: items written while the connection was established are visible to all reads
    /// by then.
    pub second_sync: Duration,
    /// Interval between syncs, which find every item that pushes missed.
    pub sync_every: Duration,
    /// Between two frames of receipts.
    pub receipts: Duration,
    /// Time limit of an answer. API Gateway times out after 29 s, but a request may be repeated at any time.
    pub answer: Duration,
    /// First and longest back-off of requests that failed.
    pub retry: (Duration, Duration),
    /// First and longest back-off of connections that failed.
    pub reconnect: (Duration, Duration),
    /// Time that a connection may be silent; API Gateway closes it after ten minutes.
    pub ping: Duration,
    /// A connection is renewed after a random time between these. API Gateway closes it after two hours; the random time
    /// spreads clients that connected together.
    pub renew: (Duration, Duration),
    /// A connection is renewed this long before its token expires, if that is earlier than `renew`.
    pub renew_before_expiry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            gap: Duration::from_secs(1),
            second_sync: Duration::from_secs(3),
            sync_every: Duration::from_mins(5),
            receipts: Duration::from_secs(1),
            answer: Duration::from_secs(10),
            retry: (Duration::from_millis(250), Duration::from_secs(20)),
            reconnect: (Duration::from_millis(500), Duration::from_secs(30)),
            ping: Duration::from_mins(9),
            renew: (Duration::from_mins(100), Duration::from_mins(118)),
            renew_before_expiry: Duration::from_mins(1),
        }
    }
}
