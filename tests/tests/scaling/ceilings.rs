//! The ceilings of one stack, from the units of `infra/cost.json` and the quotas of AWS.

use crate::assert_quoted;

/// Seconds of the month that `cargo local cost` computes.
const MONTH: f64 = 30.0 * 86_400.0;
/// Peak to average, as the page assumes.
const PEAK: f64 = 3.0;
/// Users of a cell.
const CELL: f64 = 500_000.0;

/// The model of `cargo local cost --messages-per-day 20 --group-size 8`, for one user and month.
struct Month {
    messages: f64,
    /// Receipts of one kind: each message once for each other member who is online.
    deliveries: f64,
    syncs: f64,
}

const OTHERS: f64 = 7.0;
const ONLINE: f64 = 8.0 / 24.0;

impl Month {
    fn new() -> Self {
        let messages = 20.0 * 30.0;
        Self { messages, deliveries: messages * OTHERS * ONLINE, syncs: 4.0 * 30.0 }
    }

    /// Frames of clients and posts to connections, which the throttle of API Gateway counts. Answers are no requests.
    fn gateway_requests(&self) -> f64 {
        self.messages * (1.0 + OTHERS * ONLINE)
            + self.deliveries * (1.0 + ONLINE)
            + self.deliveries * (2.0 + OTHERS * ONLINE)
            + self.syncs
    }

    /// Invocations by frames and by queues of receipts.
    fn invocations(&self) -> f64 {
        self.messages + 4.0 * self.deliveries + 4.0 * self.syncs
    }
}

/// Rounds to two significant digits, and writes thousands with a comma.
fn rounded(value: f64) -> String {
    let unit = 10_f64.powf(value.log10().floor() - 1.0);
    let text = format!("{:.0}", (value / unit).round() * unit);
    let mut out = String::new();
    for (index, digit) in text.chars().enumerate() {
        if index > 0 && (text.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[test]
fn a_cell_stays_below_the_default_quotas() {
    let month = Month::new();
    let peak = |each: f64| each * CELL / MONTH * PEAK;
    let gateway = peak(month.gateway_requests());
    assert!(gateway < 10_000.0, "{gateway}");
    assert_quoted(&format!("{} requests a second", rounded(gateway)));
    // 30 ms each.
    let concurrency = peak(month.invocations()) * 0.03;
    assert!(concurrency < 1_000.0, "{concurrency}");
    assert_quoted(&format!("{} at once", rounded(concurrency)));
    let messages = peak(month.messages);
    assert!(messages < 40_000.0);
    assert_quoted(&format!("{} messages a second", rounded(messages)));
    // All connections lost at once.
    let minutes = CELL * ONLINE / 500.0 / 60.0;
    assert_quoted(&format!("{minutes:.1} minutes"));
}

#[test]
fn numbers_of_users_that_the_quotas_allow() {
    let month = Month::new();
    let users = 10_000.0 / (month.gateway_requests() / MONTH * PEAK);
    assert_quoted(&format!("{} users", rounded(users)));
    // A private message with its two receipts, everybody online once: send, post; ack, post; read, post to both.
    let messages = 10_000.0_f64 / 7.0;
    assert_quoted(&format!("{} messages a second between two", rounded(messages)));
    // New connections of two hours.
    assert_quoted(&format!("{} connections", rounded(500.0 * 7_200.0)));
}

#[test]
fn a_billion_users_are_two_thousand_cells() {
    let cells = 1e9 / CELL;
    assert_quoted(&format!("{} cells", rounded(cells)));
    let dollars = 413.15 / 10_000.0 * 1e9 / 1e6;
    assert_quoted(&format!("{dollars:.0} million dollars"));
}
