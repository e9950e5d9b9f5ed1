//! The cost of a message, by the cloud's meter.

use std::collections::BTreeMap;

use end_to_end::Cloud;
use end_to_end::test_user::{answer, client};
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Reading(Value);

impl Reading {
    /// Everything since the last reset.
    pub(crate) async fn take(cloud: &Cloud) -> Self {
        Self(cloud.meter().await)
    }

    /// Counts from zero again.
    pub(crate) async fn reset(cloud: &Cloud) {
        answer(client().post(format!("{}/meter/reset", cloud.endpoints.control))).await;
    }

    /// Requests to AWS's APIs by kind, of all functions.
    pub(crate) fn requests(&self) -> BTreeMap<String, f64> {
        let mut requests = BTreeMap::new();
        for (kind, counts) in self.operations() {
            *requests.entry(kind).or_default() += number(&counts["requests"]);
        }
        requests
    }

    /// Read and write units of DynamoDB.
    pub(crate) fn units(&self) -> (f64, f64) {
        let sum = |units: &str| self.operations().map(|(_, counts)| number(&counts[units])).sum();
        (sum("read_units"), sum("write_units"))
    }

    /// Returns the price at AWS, in US dollars.
    pub(crate) fn usd(&self) -> f64 {
        number(&self.0["bill"]["usd"])
    }

    /// A figure of a function, by its logical id: `init_p50_ms`, `cold_starts`, …
    pub(crate) fn function(&self, id: &str, figure: &str) -> f64 {
        number(&self.0["functions"][id][figure])
    }

    fn operations(&self) -> impl Iterator<Item = (String, &Value)> {
        let functions = self.0["functions"].as_object().into_iter().flatten();
        let services = functions.flat_map(|(_, function)| function["requests"].as_object().into_iter().flatten());
        services.flat_map(|(service, operations)| {
            let operations = operations.as_object().into_iter().flatten();
            operations.map(move |(name, counts)| (format!("{service} {name}"), counts))
        })
    }
}

/// Absent figures are zero.
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}
