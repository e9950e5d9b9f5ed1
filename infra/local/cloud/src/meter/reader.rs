//! Reads all counts at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use local_aws::meter::Snapshot;
use local_aws::{Meter, Operations};
use local_gateway::{http_api, websocket_api};
use local_lambda::Lambda;
use local_template::model::Function;

use super::bill;
use super::reading::{Bill, FunctionReading, HttpApiReading, Reading, WebSocketApiReading};

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
            recursive_invocations_dropped: stats.recursive_invocations_dropped,
            async_events_dropped: stats.async_events_dropped,
            freezes: stats.freezes,
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
