//! Functions with a capacity provider: each process runs several invocations at once, and another starts when all are full.
//!
//! AWS starts processes ahead of the demand and throttles what comes too fast; here an invocation waits for the start instead.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use super::{FunctionPool, Report};
use crate::concurrent_instance::{ConcurrentInstance, Seat};
use crate::environment::version;
use crate::error::Failure;
use crate::invocation::Invocation;
use crate::logs::InstanceLog;
use crate::runtime_api::concurrent::ConcurrentRuntimeApi;
use crate::trace::TraceHeader;

/// Longest init phase: "the maximum of 130 seconds or the configured function timeout".
const MAX_INIT: Duration = Duration::from_secs(130);

/// The processes of a function that run several invocations at once.
#[derive(Debug)]
pub(super) struct Environments {
    /// Number of invocations that each process runs at once.
    capacity: usize,
    state: Mutex<State>,
    /// Wakes invocations that wait for a place.
    released: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    /// Processes that take invocations, the oldest first.
    ready: Vec<Arc<ConcurrentInstance>>,
    starting: usize,
    /// Invocations that wait for the processes that start.
    waiting: usize,
}

/// What an invocation has to do for its place.
enum Step<'a> {
    Run(Seat),
    Start(Starting<'a>),
    Wait(Waiting<'a>),
}

/// A process that starts, counted until this is dropped.
struct Starting<'a>(&'a Environments);

/// An invocation that waits for a process that starts, counted until this is dropped.
struct Waiting<'a>(&'a Environments);

impl Environments {
    /// No processes yet, each of which will run so many invocations at once.
    pub(super) fn new(max_concurrency: u32) -> Self {
        Self { capacity: max_concurrency as usize, state: Mutex::default(), released: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place in the process that runs the fewest invocations. If all are full, there is a process to start, unless those
    /// that start already have places left.
    fn step(&self, request_id: &str) -> Step<'_> {
        let mut state = self.state();
        state.ready.retain(|instance| !instance.is_ending());
        let emptiest = state.ready.iter().min_by_key(|instance| instance.running());
        if let Some(seat) = emptiest.and_then(|instance| instance.seat(request_id)) {
            return Step::Run(seat);
        }
        // The invocation that starts a process has a place in it.
        if state.waiting < state.starting * (self.capacity - 1) {
            state.waiting += 1;
            return Step::Wait(Waiting(self));
        }
        state.starting += 1;
        Step::Start(Starting(self))
    }

    /// Number of processes without an invocation.
    pub(super) fn idle(&self) -> usize {
        self.state().ready.iter().filter(|instance| instance.running() == 0).count()
    }

    /// Forgets these processes, which ends each as soon as it runs no invocation, and kills those that run none.
    pub(super) async fn retire(&self, outdated: impl Fn(&ConcurrentInstance) -> bool) {
        let retired: Vec<_> = self.state().ready.extract_if(.., |instance| outdated(instance)).collect();
        for instance in retired {
            if instance.running() == 0 {
                instance.kill().await;
            }
        }
    }

    /// Kills all processes, busy or not.
    pub(super) async fn end(&self) {
        let all = std::mem::take(&mut self.state().ready);
        for instance in all {
            instance.kill().await;
        }
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.0.state().starting -= 1;
        self.0.released.notify_waiters();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

impl FunctionPool {
    /// Runs one invocation beside others.
    pub(super) async fn invoke_beside_others(
        &self,
        environments: &Environments,
        payload: Bytes,
        trace: TraceHeader,
    ) -> Invocation {
        let request_id = Uuid::new_v4().to_string();
        let mut seat = match self.find_seat(environments, &request_id).await {
            Ok(seat) => seat,
            Err(failure) => {
                let outcome = self.conclude(&request_id, None, None, Err(failure));
                return Invocation { request_id, outcome, log: String::new() };
            }
        };
        let log = seat.instance.log().clone();
        log.enter(&request_id);
        log.start(&request_id, version(&self.model));
        let begun = Instant::now();
        let result = seat.run(&self.model, &request_id, trace, payload).await;
        let duration = begun.elapsed();
        self.stats().cpu += seat.instance.cpu_since_last();
        let failure = result.as_ref().err();
        if let Some(failure) = failure.filter(|failure| super::is_fatal(failure)) {
            log.failure(&request_id, failure);
        }
        let (memory_mib, used_mib) = (self.model.memory_mib, seat.instance.used_mib());
        log.end(&Report { request_id: &request_id, duration, init: None, memory_mib, used_mib, failure });
        let outcome = self.conclude(&request_id, Some(duration), None, result);
        Invocation { log: log.leave(&request_id), request_id, outcome }
    }

    /// Takes a place for an invocation, in a new process if all others are full.
    async fn find_seat(&self, environments: &Environments, request_id: &str) -> Result<Seat, Failure> {
        if self.reload().await {
            super::say_reloaded(&[&self.model.logical_id]);
        }
        loop {
            let released = environments.released.notified();
            tokio::pin!(released);
            // From here on, a place that becomes free is not missed.
            released.as_mut().enable();
            match environments.step(request_id) {
                Step::Run(seat) => return Ok(seat),
                Step::Wait(_waiting) => released.await,
                Step::Start(starting) => {
                    // As many start at once as without a capacity provider.
                    let start = tokio::select! {
                        start = self.starts.acquire() => start,
                        () = released => continue,
                    };
                    let instance = Arc::new(self.start_beside_others(environments).await?);
                    let seat = instance.seat(request_id);
                    environments.state().ready.push(instance);
                    drop((starting, start));
                    // A process that ended at once has none.
                    if let Some(seat) = seat {
                        return Ok(seat);
                    }
                }
            }
        }
    }

    async fn start_beside_others(&self, environments: &Environments) -> Result<ConcurrentInstance, Failure> {
        self.stats().cold_starts += 1;
        let begun = Instant::now();
        let (function, executable) = (&self.model, &self.executable);
        let log = InstanceLog::new(self.sink.clone(), &function.logical_id, true);
        let place = self.lives.add(&Uuid::new_v4().to_string());
        let started = async {
            let api = ConcurrentRuntimeApi::start(environments.capacity, Arc::clone(&environments.released)).await?;
            ConcurrentInstance::start(function, executable, &self.services, log.clone(), place, &self.guard, api).await
        };
        let failure = match started.await {
            Ok(instance) => match instance.initialised(MAX_INIT.max(function.timeout)).await {
                Ok(()) => {
                    self.stats().init.record(begun.elapsed());
                    return Ok(instance);
                }
                Err(failure) => {
                    instance.kill().await;
                    failure
                }
            },
            Err(error) => executable.not_started(&error),
        };
        log.failed_init(begun.elapsed(), "init", &failure);
        Err(failure)
    }
}
