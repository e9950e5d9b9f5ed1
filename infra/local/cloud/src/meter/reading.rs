//! A reading of the meter at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use local_aws::meter::Snapshot;
use local_aws::{Counts, Meter, Operations, Service};
use local_gateway::{http_api, websocket_api};
use local_lambda::Lambda;
use local_template::model::{Architecture, Function};
use serde::Serialize;

use super::bill::{self, Bill};

/// Every source of counts.
#[derive(Debug, Clone)]
pub struct MeterReader {
    /// Requests to AWS's APIs.
    pub meter: Meter,
    /// Invocations of each function.
    pub lambda: Lambda,
    /// HTTP APIs by logical id.
    pub http_apis: BTreeMap<String, Arc<http_api::Stats>>,
    /// WebSocket APIs by logical id.
    pub websocket_apis: BTreeMap<String, Arc<websocket_api::Stats>>,
}

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
    /// Number of requests.
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

impl MeterReader {
    /// Reads all counts at once.
    pub fn read(&self) -> Reading {
        let Snapshot { since, mut callers, event_sources, resources, faults } = self.meter.snapshot();
        let seconds = since.elapsed().as_secs_f64();
        let instances = self.lambda.instances();
        let functions = self.lambda.functions().map(|(function, stats)| {
            let id = &function.logical_id;
            let requests = callers.remove(&Some(id.clone())).unwrap_or_default();
            let instances = instances.get(id).copied().unwrap_or_default();
            (id.clone(), FunctionReading::new(function, &stats, instances, requests))
        });
        let functions: BTreeMap<_, _> = functions.collect();
        let http_apis = self
            .http_apis
            .iter()
            .map(|(id, stats)| (id.clone(), HttpApiReading { requests: stats.requests(), units: stats.units() }));
        let websocket_apis = self.websocket_apis.iter().map(|(id, stats)| {
            let reading = WebSocketApiReading {
                connections: stats.connections(),
                connection_minutes: stats.connection_time().as_secs_f64() / 60.0,
                frames_in: stats.frames_in(),
                frames_out: stats.frames_out(),
                units_in: stats.units_in(),
                units_out: stats.units_out(),
            };
            (id.clone(), reading)
        });
        let mut reading = Reading {
            seconds,
            functions,
            outside: callers.remove(&None).unwrap_or_default(),
            event_sources,
            resources,
            http_apis: http_apis.collect(),
            websocket_apis: websocket_apis.collect(),
            faults,
            bill: Bill::default(),
        };
        reading.bill = bill::of(&reading);
        reading
    }

    /// Counts from zero again. Connections that are open stay counted as open.
    pub fn reset(&self) {
        self.meter.reset();
        self.lambda.reset_stats();
        self.http_apis.values().for_each(|stats| stats.reset());
        self.websocket_apis.values().for_each(|stats| stats.reset());
    }
}

impl FunctionReading {
    fn new(
        function: &Function,
        stats: &local_lambda::Stats,
        instances: local_lambda::Instances,
        requests: Operations,
    ) -> Self {
        let Function { memory_mib, architecture, .. } = *function;
        let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
        Self {
            invocations: stats.invocations,
            errors: stats.errors,
            throttles: stats.throttles,
            cold_starts: stats.cold_starts,
            alive: instances.alive,
            busy: instances.busy,
            init_ms: millis(stats.init.sum()),
            init_p50_ms: millis(stats.init.percentile(50.0)),
            init_max_ms: millis(stats.init.max()),
            duration_ms: millis(stats.duration.sum()),
            duration_p50_ms: millis(stats.duration.percentile(50.0)),
            duration_p99_ms: millis(stats.duration.percentile(99.0)),
            duration_max_ms: millis(stats.duration.max()),
            billed_ms: millis(stats.billed),
            memory_mib,
            architecture,
            gb_seconds: stats.billed.as_secs_f64() * f64::from(memory_mib) / 1024.0,
            cpu_ms: millis(stats.cpu),
            requests,
        }
    }
}
