//! The bill: what AWS would ask for a reading, at list prices.
//!
//! Without free tiers, volume discounts, storage, data transfer, logs and the instances behind a cluster. Lambda's polls of queues
//! are in it; those of DynamoDB's streams are free.

use local_aws::Service;
use local_template::model::Architecture;

use super::prices::PriceList;
use super::reading::{Bill, Line, Reading};

#[allow(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
pub(super) fn of(reading: &Reading) -> Bill {
    let mut lines = Vec::new();
    let prices = PriceList::current();
    let mut add = |resource: &str, item: &'static str, quantity: f64| {
        if quantity > 0.0 {
            let usd = prices.find(price_of(item)).map_or(0.0, |price| price.of(quantity));
            lines.push(Line { resource: resource.to_owned(), item, quantity, usd });
        }
    };
    for (id, function) in &reading.functions {
        add(id, "Lambda requests", function.invocations as f64);
        let item = match function.architecture {
            Architecture::X86_64 => "Lambda GB-seconds",
            Architecture::Arm64 => "Lambda GB-seconds on arm64",
        };
        add(id, item, function.gb_seconds);
    }
    for (id, api) in &reading.http_apis {
        add(id, "HTTP API requests", api.units as f64);
    }
    for (id, api) in &reading.websocket_apis {
        add(id, "WebSocket messages received", api.units_in as f64);
        add(id, "WebSocket messages sent", api.units_out as f64);
        add(id, "WebSocket connection minutes", api.connection_minutes);
    }
    for (service, resources) in &reading.resources {
        for (name, counts) in resources {
            match service {
                Service::Dynamodb => {
                    add(name, "DynamoDB write units", counts.write_units);
                    add(name, "DynamoDB read units", counts.read_units);
                }
                Service::Sqs => add(name, "SQS requests", counts.units as f64),
                Service::RdsData => add(name, "Data API requests", counts.units as f64),
                Service::Scheduler => add(name, "Scheduler invocations", counts.units as f64),
                // Billed as messages of its WebSocket API, and by the hour of its capacity.
                Service::Apigatewaymanagementapi | Service::Opensearch => {}
            }
        }
    }
    // The most expensive first; a stable order for those that cost the same.
    lines.sort_by(|one: &Line, other| other.usd.total_cmp(&one.usd));
    // The sum of no floats is -0.0.
    let usd = lines.iter().fold(0.0, |sum, line| sum + line.usd);
    Bill { lines, usd }
}

/// Returns the name of an item of the bill in the price list: messages of both ways have one price.
fn price_of(item: &str) -> &str {
    match item {
        "WebSocket messages received" | "WebSocket messages sent" => "WebSocket messages",
        item => item,
    }
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
