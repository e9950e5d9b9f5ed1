//! A reading of the meter at one moment.

use std::collections::BTreeMap;

use local_aws::{Counts, Operations, Service};
use local_template::model::Architecture;
use serde::Serialize;

/// Everything since the last reset.
#[derive(Debug, Clone, Serialize)]
pub struct Reading {
    /// Seconds since the start or the last reset.
    pub seconds: f64,
    /// Functions by logical id.
    pub functions: BTreeMap<String, FunctionReading>,
    /// Requests of clients that are no functions of the stack.
    pub outside: Operations,
    /// Lambda's own requests for the event sources of functions, which are billed as all others.
    pub event_sources: Operations,
    /// Tables, queues and clusters, by service and name.
    pub resources: BTreeMap<Service, BTreeMap<String, Counts>>,
    /// HTTP APIs by logical id.
    pub http_apis: BTreeMap<String, HttpApiReading>,
    /// WebSocket APIs by logical id.
    pub websocket_apis: BTreeMap<String, WebSocketApiReading>,
    /// Injected faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// The bill at list prices.
    pub bill: Bill,
}

/// Counters of one function.
#[derive(Debug, Clone, Serialize)]
pub struct FunctionReading {
    /// Invocations that ran, well or not.
    pub invocations: u64,
    /// Of these, the ones that ended with a function error.
    pub errors: u64,
    /// Invocations refused for lack of reserved concurrency.
    pub throttles: u64,
    /// Invocations that were stopped because their chain was a recursive loop: `RecursiveInvocationsDropped` of CloudWatch.
    pub recursive_invocations_dropped: u64,
    /// Asynchronous events that were given up: `AsyncEventsDropped` of CloudWatch.
    pub async_events_dropped: u64,
    /// Freezes of processes after their invocations.
    pub freezes: u64,
    /// Number of instances that were started.
    pub cold_starts: u64,
    /// Instances that live, idle or busy.
    pub alive: usize,
    /// Of these, the ones that start or run an invocation.
    pub busy: usize,
    /// Milliseconds in init phases.
    pub init_ms: f64,
    /// Half of the init phases took no longer. Percentiles are exact to 1 %.
    pub init_p50_ms: f64,
    /// The longest init phase.
    pub init_max_ms: f64,
    /// Milliseconds in invocations, without init phases.
    pub duration_ms: f64,
    /// Half of the invocations took no longer.
    pub duration_p50_ms: f64,
    /// 99 of 100 invocations took no longer.
    pub duration_p99_ms: f64,
    /// Duration of the longest invocation.
    pub duration_max_ms: f64,
    /// Milliseconds that AWS bills.
    pub billed_ms: f64,
    /// Value of `MemorySize` in MiB.
    pub memory_mib: u32,
    /// The architecture that decides the price.
    pub architecture: Architecture,
    /// Billed time times `MemorySize`.
    pub gb_seconds: f64,
    /// Milliseconds of processor time, in steps of 10 per process.
    pub cpu_ms: f64,
    /// Requests to AWS's APIs.
    pub requests: Operations,
}

/// Counters of one HTTP API.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct HttpApiReading {
    pub requests: u64,
    /// Requests as they are billed: one for every 512 KB of payload.
    pub units: u64,
}

/// Counters of one WebSocket API.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct WebSocketApiReading {
    /// Connections that are open.
    pub connections: u64,
    /// Connection time in minutes.
    pub connection_minutes: f64,
    /// Number of messages from clients.
    pub frames_in: u64,
    /// Number of messages to clients.
    pub frames_out: u64,
    /// Messages from clients as they are billed: one for every 32 KB.
    pub units_in: u64,
    /// Messages to clients as they are billed.
    pub units_out: u64,
}

/// All that a reading costs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Bill {
    pub lines: Vec<Line>,
    /// Their sum in US dollars.
    pub usd: f64,
}

/// One resource's use of one billed thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Logical id of a function or an API, or name of a table or queue.
    pub resource: String,
    pub item: &'static str,
    /// Quantity in its unit.
    pub quantity: f64,
    /// Price in US dollars.
    pub usd: f64,
}
