//! The intervals at which a client acts.

use std::time::Duration;

/// The times of the protocol's client half. The defaults are what it asks for; tests are in more of a hurry.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time that a gap is held: the missing items are usually on their way.
    pub gap: Duration,
    /// The second sync after connecting: what was written while the connection came up is visible everywhere by then.
    pub second_sync: Duration,
    /// From one sync to the next. Pushes are an optimisation, this is what finds all that they missed.
    pub sync_every: Duration,
    /// Between two frames of receipts.
    pub receipts: Duration,
    /// Time that an answer may take; API Gateway gives up after 29 s, but the same request may be repeated at any time.
    pub answer: Duration,
    /// First and longest back-off of requests that failed.
    pub retry: (Duration, Duration),
    /// First and longest back-off of connections that failed.
    pub reconnect: (Duration, Duration),
    /// Time that a connection may be silent; API Gateway closes it after ten minutes.
    pub ping: Duration,
    /// A connection is given up after a random time between these; API Gateway closes it after two hours, and clients that
    /// came together should not go together.
    pub renew: (Duration, Duration),
    /// A connection is renewed this long before its token expires, where that is earlier than `renew`.
    pub renew_before_expiry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            gap: Duration::from_secs(1),
            second_sync: Duration::from_secs(10),
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
