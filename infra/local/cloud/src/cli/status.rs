//! The line at the bottom of the terminal: what is going on, and what it has cost.

use std::convert::Infallible;
use std::time::Duration;

use local_aws::Service;
use tokio::time::{MissedTickBehavior, interval};

use super::terminal::Terminal;
use crate::meter::{MeterReader, Reading};

const INTERVAL: Duration = Duration::from_secs(1);

/// Keeps the line up to date for as long as it is polled.
pub(super) async fn show(terminal: &Terminal, sources: &MeterReader) -> Infallible {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = Totals::of(&sources.read());
    loop {
        ticks.tick().await;
        let reading = sources.read();
        let totals = Totals::of(&reading);
        terminal.show(text(&reading, &totals, &before));
        before = totals;
    }
}

/// Counts since the last reset of the meter, after so many seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    seconds: f64,
    invocations: u64,
    dynamodb: u64,
    sqs: u64,
    data_api: u64,
}

impl Totals {
    fn of(reading: &Reading) -> Self {
        let requests = |service: Service| {
            let callers = reading.functions.values().map(|function| &function.requests).chain([&reading.outside]);
            let operations = callers.filter_map(|operations| operations.get(&service)).flatten();
            operations.map(|(_, counts)| counts.requests).sum()
        };
        Self {
            seconds: reading.seconds,
            invocations: reading.functions.values().map(|function| function.invocations).sum(),
            dynamodb: requests(Service::Dynamodb),
            sqs: requests(Service::Sqs),
            data_api: requests(Service::RdsData),
        }
    }
}

fn text(reading: &Reading, now: &Totals, before: &Totals) -> String {
    // After a reset, all there is has come since.
    let before = if now.seconds < before.seconds { Totals::default() } else { *before };
    let seconds = (now.seconds - before.seconds).max(f64::EPSILON);
    #[expect(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
    let rate = |count: fn(&Totals) -> u64| count(now).saturating_sub(count(&before)) as f64 / seconds;
    let sum = |count: fn(&crate::meter::FunctionReading) -> u64| reading.functions.values().map(count).sum::<u64>();
    let (alive, busy) = (sum(|function| function.alive as u64), sum(|function| function.busy as u64));
    // The most important first: a narrow terminal shows the beginning.
    let mut parts = vec![
        format!("${:.6}", reading.bill.usd),
        format!("{:.0} invocations/s", rate(|totals| totals.invocations)),
        format!("{alive} instances, {busy} busy"),
        format!("{} errors", sum(|function| function.errors)),
    ];
    if !reading.websocket_apis.is_empty() {
        let connections: u64 = reading.websocket_apis.values().map(|api| api.connections).sum();
        parts.push(format!("{connections} connections"));
    }
    let mut service = |name: &str, count: fn(&Totals) -> u64| {
        // An unused service takes no space.
        if count(now) > 0 {
            parts.push(format!("{name} {:.0}/s", rate(count)));
        }
    };
    service("DynamoDB", |totals| totals.dynamodb);
    service("SQS", |totals| totals.sqs);
    service("Data API", |totals| totals.data_api);
    parts.join(" | ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use local_aws::Meter;
    use local_lambda::{InvokeError, Lambda, LogSink, Services};

    #[tokio::test]
    async fn rates_are_of_the_time_since_the_last_look() {
        let lambda = Lambda::new(Vec::new(), &Services::default(), &LogSink::stderr(), CancellationToken::new());
        assert!(matches!(lambda.invoke("A", "".into()).await, Err(InvokeError::NotFound(_))));
        let websocket_apis = BTreeMap::from([("Ws".to_owned(), Arc::default())]);
        let sources = MeterReader { meter: Meter::default(), lambda, http_apis: BTreeMap::new(), websocket_apis };
        let before = Totals { seconds: 10.0, invocations: 5, dynamodb: 7, sqs: 0, data_api: 0 };
        let now = Totals { seconds: 12.0, invocations: 11, dynamodb: 7, sqs: 2, data_api: 0 };
        let line = text(&sources.read(), &now, &before);
        let expected =
            "$0.000000 | 3 invocations/s | 0 instances, 0 busy | 0 errors | 0 connections | DynamoDB 0/s | SQS 1/s";
        assert_eq!(line, expected);
        let line = text(&sources.read(), &Totals { seconds: 1.0, invocations: 4, ..before }, &now);
        assert!(line.contains("| 4 invocations/s |"), "the meter was reset: {line}");
    }
}
