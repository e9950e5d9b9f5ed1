//! API Gateway's throttles: token buckets of the account and of each route.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html> and
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html>. AWS applies them on a best-effort
//! basis; here they are exact.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use local_template::model::RouteLimit;

/// API Gateway's answer to a request for which a bucket has no token.
pub const TOO_MANY_REQUESTS: &str = "Too Many Requests";

/// A bucket of tokens, full at the start; every request takes one.
#[derive(Debug)]
struct Bucket {
    /// Tokens that come back in a second.
    rate: f64,
    /// The most that it holds.
    burst: f64,
    level: Mutex<Level>,
}

#[derive(Debug)]
struct Level {
    tokens: f64,
    as_of: Instant,
}

impl Bucket {
    fn new(limit: RouteLimit) -> Self {
        let RouteLimit { rate, burst } = limit;
        let burst = f64::from(burst);
        Self { rate, burst, level: Mutex::new(Level { tokens: burst, as_of: Instant::now() }) }
    }

    /// Takes a token, if there is one.
    fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> bool {
        // Nothing panics while it holds the lock.
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(level.as_of).as_secs_f64();
        level.tokens = (level.tokens + passed * self.rate).min(self.burst);
        level.as_of = now;
        let enough = level.tokens >= 1.0;
        if enough {
            level.tokens -= 1.0;
        }
        enough
    }
}

/// The account's quota over all of its APIs, `@connections` included.
#[derive(Debug)]
pub struct Account(Option<Buckets>);

#[derive(Debug)]
struct Buckets {
    requests: Bucket,
    connections: Bucket,
}

impl Default for Account {
    /// AWS's default quotas: 10,000 requests a second with a burst of 5,000, and 500 WebSocket connections a second. AWS does
    /// not document the burst of the latter; here it is those of a second
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>).
    fn default() -> Self {
        Self::new(RouteLimit::ACCOUNT, RouteLimit { rate: 500.0, burst: 500 })
    }
}

impl Account {
    /// An account with other quotas.
    pub fn new(requests: RouteLimit, connections: RouteLimit) -> Self {
        Self(Some(Buckets { requests: Bucket::new(requests), connections: Bucket::new(connections) }))
    }

    /// An account whose quotas AWS has raised beyond all reach.
    pub fn unlimited() -> Self {
        Self(None)
    }

    /// Takes a token for a request without a route.
    pub fn admits_request(&self) -> bool {
        self.0.as_ref().is_none_or(|buckets| buckets.requests.take())
    }

    /// Takes a token for a new WebSocket connection.
    pub fn admits_connection(&self) -> bool {
        self.0.as_ref().is_none_or(|buckets| buckets.connections.take())
    }
}

/// The throttles of one API.
#[derive(Debug)]
pub struct Throttle {
    account: Arc<Account>,
    routes: BTreeMap<String, Bucket>,
}

impl Throttle {
    /// Each route that the template limits has a bucket of its own.
    pub fn new(account: Arc<Account>, limits: &BTreeMap<String, RouteLimit>) -> Self {
        let routes = limits.iter().map(|(key, limit)| (key.clone(), Bucket::new(*limit))).collect();
        Self { account, routes }
    }

    /// Returns the quotas of the account, which all APIs share.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Takes tokens for a request to this route: first of the route's own limit, then of the account's.
    pub fn admits(&self, route_key: &str) -> bool {
        self.routes.get(route_key).is_none_or(Bucket::take) && self.account.admits_request()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let bucket = Bucket::new(RouteLimit { rate: 2.0, burst: 3 });
        let begin = Instant::now();
        let admitted = |millis| bucket.take_at(begin + Duration::from_millis(millis));
        assert_eq!([0, 0, 0, 0].map(admitted), [true, true, true, false]);
        assert_eq!([400, 600, 700, 1100].map(admitted), [false, true, false, true]);
        // After any pause it holds no more than the burst.
        assert_eq!([60_000; 4].map(admitted), [true, true, true, false]);
    }

    #[test]
    fn a_limit_of_zero_admits_nothing() {
        let bucket = Bucket::new(RouteLimit { rate: 100.0, burst: 0 });
        assert!(!bucket.take_at(Instant::now() + Duration::from_secs(9)));
    }

    #[test]
    fn routes_have_buckets_of_their_own_within_the_accounts() {
        let slow = |burst| RouteLimit { rate: 0.0, burst };
        let account = Arc::new(Account::new(slow(4), slow(1)));
        let limits = BTreeMap::from([("a".to_owned(), slow(1)), ("b".to_owned(), slow(1))]);
        let throttle = Throttle::new(account.clone(), &limits);
        assert_eq!(
            ["a", "a", "b", "other", "other", "other"].map(|key| throttle.admits(key)),
            [true, false, true, true, true, false]
        );
        assert_eq!([account.admits_connection(), account.admits_connection()], [true, false]);
    }
}
