//! The bill: what AWS would ask for a reading, at list prices.
//!
//! Without free tiers, volume discounts, storage, data transfer, logs and the instances behind a cluster. Lambda's polls of queues
//! are in it; those of DynamoDB's streams are free.

use local_aws::Service;
use local_template::model::Architecture;

use super::reading::{Bill, Line, Reading};

/// Prices in US dollars, us-east-1, on demand, as of November 2026.
mod price {
    /// <https://aws.amazon.com/lambda/pricing/>, a million requests.
    pub(super) const LAMBDA_REQUESTS: f64 = 0.20;
    /// A million GB-seconds on x86.
    pub(super) const LAMBDA_GB_SECONDS_X86: f64 = 16.6667;
    /// A million GB-seconds on arm64.
    pub(super) const LAMBDA_GB_SECONDS_ARM: f64 = 13.3334;
    /// <https://aws.amazon.com/api-gateway/pricing/>, a million requests of an HTTP API, of 512 KB each.
    pub(super) const HTTP_REQUESTS: f64 = 1.00;
    /// A million WebSocket messages of 32 KB each, whichever way.
    pub(super) const MESSAGES: f64 = 1.00;
    /// A million minutes of open connections.
    pub(super) const CONNECTION_MINUTES: f64 = 0.25;
    /// <https://aws.amazon.com/dynamodb/pricing/on-demand/>, a million write units.
    pub(super) const WRITE_UNITS: f64 = 0.625;
    /// A million read units.
    pub(super) const READ_UNITS: f64 = 0.125;
    /// <https://aws.amazon.com/sqs/pricing/>, a million requests to a standard queue, of 64 KB each.
    pub(super) const SQS_REQUESTS: f64 = 0.40;
    /// <https://aws.amazon.com/rds/aurora/pricing/>, a million requests to the Data API.
    pub(super) const DATA_API_REQUESTS: f64 = 0.35;
    /// <https://aws.amazon.com/eventbridge/pricing/>, a million invocations of targets by EventBridge Scheduler.
    pub(super) const SCHEDULER_INVOCATIONS: f64 = 1.00;
}

#[allow(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
pub(super) fn of(reading: &Reading) -> Bill {
    let mut lines = Vec::new();
    let mut add = |resource: &str, item: &'static str, quantity: f64, million: f64| {
        if quantity > 0.0 {
            let usd = quantity * million / 1e6;
            lines.push(Line { resource: resource.to_owned(), item, quantity, usd });
        }
    };
    for (id, function) in &reading.functions {
        add(id, "Lambda requests", function.invocations as f64, price::LAMBDA_REQUESTS);
        let (item, price) = match function.architecture {
            Architecture::X86_64 => ("Lambda GB-seconds", price::LAMBDA_GB_SECONDS_X86),
            Architecture::Arm64 => ("Lambda GB-seconds on arm64", price::LAMBDA_GB_SECONDS_ARM),
        };
        add(id, item, function.gb_seconds, price);
    }
    for (id, api) in &reading.http_apis {
        add(id, "HTTP API requests", api.units as f64, price::HTTP_REQUESTS);
    }
    for (id, api) in &reading.websocket_apis {
        add(id, "WebSocket messages received", api.units_in as f64, price::MESSAGES);
        add(id, "WebSocket messages sent", api.units_out as f64, price::MESSAGES);
        add(id, "WebSocket connection minutes", api.connection_minutes, price::CONNECTION_MINUTES);
    }
    for (service, resources) in &reading.resources {
        for (name, counts) in resources {
            match service {
                Service::Dynamodb => {
                    add(name, "DynamoDB write units", counts.write_units, price::WRITE_UNITS);
                    add(name, "DynamoDB read units", counts.read_units, price::READ_UNITS);
                }
                Service::Sqs => add(name, "SQS requests", counts.units as f64, price::SQS_REQUESTS),
                Service::RdsData => add(name, "Data API requests", counts.units as f64, price::DATA_API_REQUESTS),
                Service::Scheduler => {
                    add(name, "Scheduler invocations", counts.units as f64, price::SCHEDULER_INVOCATIONS);
                }
                // Billed as messages of its WebSocket API.
                Service::Apigatewaymanagementapi => {}
            }
        }
    }
    // The most expensive first; a stable order for those that cost the same.
    lines.sort_by(|one: &Line, other| other.usd.total_cmp(&one.usd));
    // The sum of no floats is -0.0.
    let usd = lines.iter().fold(0.0, |sum, line| sum + line.usd);
    Bill { lines, usd }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::meter::reading::FunctionReading;

    #[test]
    fn arm_is_a_fifth_cheaper_and_the_most_expensive_comes_first() {
        let function = |architecture| FunctionReading {
            invocations: 0,
            errors: 0,
            throttles: 0,
            recursive_invocations_dropped: 0,
            async_events_dropped: 0,
            freezes: 0,
            cold_starts: 0,
            alive: 0,
            busy: 0,
            init_ms: 0.0,
            init_p50_ms: 0.0,
            init_max_ms: 0.0,
            duration_ms: 0.0,
            duration_p50_ms: 0.0,
            duration_p99_ms: 0.0,
            duration_max_ms: 0.0,
            billed_ms: 0.0,
            memory_mib: 1024,
            architecture,
            gb_seconds: 1e6,
            cpu_ms: 0.0,
            requests: BTreeMap::new(),
        };
        let functions = [("Arm", Architecture::Arm64), ("Intel", Architecture::X86_64)];
        let reading = Reading {
            seconds: 0.0,
            functions: functions.map(|(id, architecture)| (id.to_owned(), function(architecture))).into(),
            outside: BTreeMap::new(),
            event_sources: BTreeMap::new(),
            resources: BTreeMap::new(),
            http_apis: BTreeMap::new(),
            websocket_apis: BTreeMap::new(),
            faults: BTreeMap::new(),
            bill: Bill::default(),
        };
        let bill = of(&reading);
        assert_eq!(
            bill.lines.iter().map(|line| (line.item, line.usd)).collect::<Vec<_>>(),
            [("Lambda GB-seconds", 16.6667), ("Lambda GB-seconds on arm64", 13.3334)]
        );
    }
}
