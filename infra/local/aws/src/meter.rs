//! The meter: what everything did, and what AWS would ask for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::http::StatusCode;
use serde::Serialize;

use crate::{Call, Service, Usage};

/// Counts of requests of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Requests that came, those that met a fault included.
    pub requests: u64,
    /// Of these, the ones that their service answered with an error.
    pub errors: u64,
    /// Read units of DynamoDB.
    #[serde(skip_serializing_if = "is_zero")]
    pub read_units: f64,
    /// Write units of DynamoDB.
    #[serde(skip_serializing_if = "is_zero")]
    pub write_units: f64,
    /// Units of the other services: SQS requests of 64 KB, messages of 32 KB, Data API requests.
    #[serde(skip_serializing_if = "is_none")]
    pub units: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(units: &f64) -> bool {
    *units == 0.0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(units: &u64) -> bool {
    *units == 0
}

/// Counts by service and operation.
pub type Operations = BTreeMap<Service, BTreeMap<String, Counts>>;

/// Counts the requests that go through the gate. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    since: Instant,
    /// By logical id of the function; `None` is everybody else.
    callers: BTreeMap<Option<String>, Operations>,
    event_sources: Operations,
    /// By service and the name of a table, a queue or a cluster.
    resources: BTreeMap<Service, BTreeMap<String, Counts>>,
    faults: BTreeMap<&'static str, u64>,
}

/// All counts of a meter at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Start of the counts.
    pub since: Instant,
    /// Requests by function; `None` for clients that are not functions of the stack.
    pub callers: BTreeMap<Option<String>, Operations>,
    /// Lambda's own requests for the event sources of functions.
    pub event_sources: Operations,
    /// Tables, queues and clusters, by service and name.
    pub resources: BTreeMap<Service, BTreeMap<String, Counts>>,
    /// Injected faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Default for State {
    fn default() -> Self {
        let (callers, event_sources) = (BTreeMap::new(), BTreeMap::new());
        let (resources, faults) = (BTreeMap::new(), BTreeMap::new());
        Self { since: Instant::now(), callers, event_sources, resources, faults }
    }
}

impl State {
    fn operation(&mut self, caller: Option<&str>, call: &Call) -> &mut Counts {
        let operations = self.callers.entry(caller.map(str::to_owned)).or_default();
        operations.entry(call.service).or_default().entry(call.operation.clone()).or_default()
    }

    fn resource(&mut self, service: Service, name: &str) -> &mut Counts {
        self.resources.entry(service).or_default().entry(name.to_owned()).or_default()
    }
}

impl Meter {
    /// A request has come.
    pub fn request(&self, caller: Option<&str>, call: &Call) {
        let mut state = self.lock();
        state.operation(caller, call).requests += 1;
        // Connections come and go; they are counted by their API.
        if call.service != Service::Apigatewaymanagementapi {
            for name in &call.resources {
                state.resource(call.service, name).requests += 1;
            }
        }
    }

    /// Counts a fault that was applied to a request.
    pub fn fault(&self, kind: &'static str) {
        *self.lock().faults.entry(kind).or_default() += 1;
    }

    /// A service has answered a request.
    pub fn completed(&self, caller: Option<&str>, call: &Call, status: StatusCode, usage: &Usage) {
        let mut state = self.lock();
        let sum = |units: &[(String, f64)]| units.iter().map(|(_, units)| units).sum::<f64>();
        let counts = state.operation(caller, call);
        counts.errors += u64::from(!status.is_success());
        counts.read_units += sum(&usage.read);
        counts.write_units += sum(&usage.write);
        counts.units += usage.units;
        for (table, units) in &usage.read {
            state.resource(call.service, table).read_units += units;
        }
        for (table, units) in &usage.write {
            state.resource(call.service, table).write_units += units;
        }
        if matches!(call.service, Service::Sqs | Service::RdsData | Service::Scheduler | Service::Opensearch) {
            for name in &call.resources {
                let counts = state.resource(call.service, name);
                counts.errors += u64::from(!status.is_success());
                counts.units += usage.units;
            }
        }
    }

    /// Lambda has made requests to a queue of its own accord, billed as so many units.
    pub fn event_source(&self, queue: &str, operation: &str, requests: u64, units: u64) {
        if requests == 0 {
            return;
        }
        let mut state = self.lock();
        let operations = state.event_sources.entry(Service::Sqs).or_default();
        let counts = operations.entry(operation.to_owned()).or_default();
        counts.requests += requests;
        counts.units += units;
        let counts = state.resource(Service::Sqs, queue);
        counts.requests += requests;
        counts.units += units;
    }

    /// Requests and units of Lambda's own.
    /// Returns all counts since the start or the last reset.
    pub fn snapshot(&self) -> Snapshot {
        let State { since, callers, event_sources, resources, faults } = &*self.lock();
        Snapshot {
            since: *since,
            callers: callers.clone(),
            event_sources: event_sources.clone(),
            resources: resources.clone(),
            faults: faults.clone(),
        }
    }

    /// Requests since the last reset, without Lambda's own.
    pub fn requests(&self) -> u64 {
        let state = self.lock();
        let operations = state.callers.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
        operations.map(|counts| counts.requests).sum()
    }

    /// Counts from zero again.
    pub fn reset(&self) {
        *self.lock() = State::default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and counts are whole between calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
