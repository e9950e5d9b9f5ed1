//! One function: its pool of instances, its concurrency and its record.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use local_template::model;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::environment::{Services, version};
use super::error::Failure;
use super::executable::Executable;
use super::guard::Guard;
use super::instance::{Instance, is_fatal};
use super::invocation::{Invocation, InvokeError, Outcome};
use super::life::Lives;
use super::limits::Limits;
use super::log_sink::LogSink;
use super::logs::{InstanceLog, Report};
use super::stats::{Instances, Stats};
use super::trace::TraceHeader;

mod concurrent;
use concurrent::Environments;

/// A function and the executable that was built for it.
#[derive(Debug, Clone)]
pub struct FunctionSetup {
    /// The function as the template has it.
    pub function: model::Function,
    /// Absolute path of the native binary.
    pub executable: PathBuf,
}

/// Instances of one function that start at once, per processor. AWS starts any number beside each other; here they share the
/// processors, so that the last of a hundred would be ready only after all others.
const STARTS_PER_CPU: usize = 4;

#[derive(Debug)]
pub(crate) struct FunctionPool {
    model: model::Function,
    executable: Executable,
    services: Services,
    limits: Limits,
    sink: LogSink,
    shutdown: CancellationToken,
    /// `None`: no reserved concurrency.
    concurrency: Option<Arc<Semaphore>>,
    /// The processes, if each runs several invocations at once. Those that run one are `idle`, or in the hands of their invocation.
    environments: Option<Environments>,
    /// The newest at the end.
    idle: Mutex<Vec<Instance>>,
    /// Wakes an invocation that waits for its start, when an instance becomes idle.
    released: Notify,
    /// Places for instances that start.
    starts: Semaphore,
    lives: Lives,
    guard: Arc<Guard>,
    freezes: Arc<AtomicU64>,
    stats: Mutex<Stats>,
}

/// A place in the function's concurrency, held while an invocation runs and given back by dropping it.
pub(crate) struct Slot {
    _place: Option<OwnedSemaphorePermit>,
}

impl FunctionPool {
    pub(crate) fn new(
        setup: FunctionSetup,
        services: Services,
        limits: Limits,
        sink: LogSink,
        shutdown: CancellationToken,
        guard: Arc<Guard>,
    ) -> Self {
        let FunctionSetup { function: model, executable } = setup;
        let reserved = model.reserved_concurrency;
        Self {
            environments: model.max_concurrency.map(Environments::new),
            concurrency: reserved.map(|count| Arc::new(Semaphore::new(count as usize))),
            model,
            executable: Executable::new(executable),
            services,
            limits,
            sink,
            shutdown,
            idle: Mutex::default(),
            released: Notify::new(),
            starts: Semaphore::new(STARTS_PER_CPU * std::thread::available_parallelism().map_or(1, usize::from)),
            lives: Lives::default(),
            guard,
            freezes: Arc::default(),
            stats: Mutex::default(),
        }
    }

    /// Takes a place in the reserved concurrency, where there is one.
    pub(crate) fn slot(&self) -> Result<Slot, InvokeError> {
        let Some(places) = &self.concurrency else {
            return Ok(Slot { _place: None });
        };
        // The semaphore is never closed: if this fails, it is used up.
        let place = Arc::clone(places).try_acquire_owned().ok();
        if place.is_none() {
            self.stats().throttles += 1;
            return Err(InvokeError::Throttled);
        }
        Ok(Slot { _place: place })
    }

    /// Runs one invocation, on a warm instance if there is one. The slot is free again when this returns.
    pub(crate) async fn invoke(
        &self,
        payload: Bytes,
        trace: TraceHeader,
        _slot: Slot,
    ) -> Result<Invocation, InvokeError> {
        if let Some(environments) = &self.environments {
            return tokio::select! {
                invocation = self.invoke_beside_others(environments, payload, trace) => Ok(invocation),
                () = self.shutdown.cancelled() => {
                    environments.end().await;
                    Err(InvokeError::Stopping)
                }
            };
        }
        let mut instance = None;
        let invocation = tokio::select! {
            invocation = self.attempt(&mut instance, payload, trace) => Ok(invocation),
            () = self.shutdown.cancelled() => Err(InvokeError::Stopping),
        };
        if let Some(instance) = instance {
            self.release(instance).await;
        }
        invocation
    }

    /// Leaves `slot` empty if the instance did not survive.
    async fn attempt(&self, slot: &mut Option<Instance>, payload: Bytes, trace: TraceHeader) -> Invocation {
        let request_id = Uuid::new_v4().to_string();
        let ColdStart { init, spent, result: prepared } = self.prepare(slot, &request_id).await;
        let Some(instance) = slot.as_mut() else {
            // Only a start that failed leaves no instance.
            let outcome = self.conclude(&request_id, None, init, Err(start_failure(prepared)));
            return Invocation { request_id, outcome, log: String::new() };
        };
        instance.log().enter(&request_id);
        instance.log().start(&request_id, version(&self.model));
        let begun = Instant::now();
        let initialised = prepared.is_ok();
        let result = match prepared {
            Ok(()) => {
                let limit = self.model.timeout.saturating_sub(spent);
                instance.run(&self.model, &request_id, trace, payload, limit).await
            }
            Err(failure) => Err(failure),
        };
        let duration = spent + begun.elapsed();
        let used_mib = instance.used_mib();
        self.stats().cpu += instance.cpu_since_last();
        let log = instance.log().clone();
        if let Err(failure) = &result
            && (is_fatal(failure) || !initialised)
            && let Some(instance) = slot.take()
        {
            instance.kill().await;
            log.failure(&request_id, failure);
        }
        let failure = result.as_ref().err();
        let memory_mib = self.model.memory_mib;
        log.end(&Report { request_id: &request_id, duration, init, memory_mib, used_mib, failure });
        let outcome = self.conclude(&request_id, Some(duration), init, result);
        Invocation { log: log.leave(&request_id), request_id, outcome }
    }

    /// Takes a warm instance, or starts one. Of many at once, each takes an instance that becomes idle before its own could
    /// start.
    async fn prepare(&self, slot: &mut Option<Instance>, request_id: &str) -> ColdStart {
        loop {
            if self.take_warm(slot).await {
                return ColdStart { init: None, spent: Duration::ZERO, result: Ok(()) };
            }
            tokio::select! {
                // The semaphore is never closed.
                _start = self.starts.acquire() => return self.cold_start(slot, request_id).await,
                () = self.released.notified() => {}
            }
        }
    }

    /// Takes the instance used last of those that wait for an event.
    async fn take_warm(&self, slot: &mut Option<Instance>) -> bool {
        if self.reload().await {
            say_reloaded(&[&self.model.logical_id]);
        }
        loop {
            let Some(instance) = self.idle().pop() else {
                return false;
            };
            if !self.is_newest(&instance) {
                instance.kill().await;
                continue;
            }
            if slot.insert(instance).free().await {
                return true;
            }
            if let Some(dead) = slot.take() {
                dead.log().line("the idle process ended or did not return from its previous invocation");
                dead.kill().await;
            }
        }
    }

    /// Starts an instance. A first init phase that fails or takes more than 10 s is repeated once, within the invocation
    /// and its timeout: "Failures during the Init phase" in the Lambda developer guide.
    async fn cold_start(&self, slot: &mut Option<Instance>, request_id: &str) -> ColdStart {
        self.stats().cold_starts += 1;
        let begun = Instant::now();
        if self.start(slot, self.limits.init, "init").await.is_ok() {
            let init = begun.elapsed();
            self.stats().init.record(init);
            return ColdStart { init: Some(init), spent: Duration::ZERO, result: Ok(()) };
        }
        if let Some(failed) = slot.take() {
            failed.kill().await;
        }
        tracing::debug!(request_id, "init repeated within the invocation");
        let begun = Instant::now();
        let result = self.start(slot, self.model.timeout, "invoke").await;
        ColdStart { init: None, spent: begun.elapsed(), result }
    }

    async fn start(&self, slot: &mut Option<Instance>, limit: Duration, phase: &str) -> Result<(), Failure> {
        let begun = Instant::now();
        let (function, executable) = (&self.model, &self.executable);
        let log = InstanceLog::new(self.sink.clone(), &function.logical_id, false);
        let place = self.lives.add(&Uuid::new_v4().to_string());
        let result =
            match Instance::start(function, executable, &self.services, log.clone(), place, &self.guard, &self.freezes)
                .await
            {
                Ok(instance) => slot.insert(instance).initialised(limit).await,
                Err(error) => Err(executable.not_started(&error)),
            };
        if let Err(failure) = &result {
            log.failed_init(begun.elapsed(), phase, failure);
        }
        result
    }

    fn conclude(
        &self,
        request_id: &str,
        duration: Option<Duration>,
        init: Option<Duration>,
        result: Result<Bytes, Failure>,
    ) -> Outcome {
        let mut stats = self.stats();
        stats.invocations += 1;
        let duration = duration.unwrap_or_default();
        stats.duration.record(duration);
        // Managed Instances are billed by themselves, whatever runs on them.
        if self.environments.is_none() {
            stats.billed += billed(duration + init.unwrap_or_default());
        }
        match result {
            Ok(payload) => Outcome::Success(payload),
            Err(failure) => {
                stats.errors += 1;
                Outcome::FunctionError(failure.payload(request_id))
            }
        }
    }

    /// Keeps the instance warm, or ends it when the local cloud is stopping.
    async fn release(&self, instance: Instance) {
        let rejected = {
            let mut idle = self.idle();
            // Under the lock: `retire` and `kill` look into the pool after the tokens have fired.
            if self.shutdown.is_cancelled() || instance.is_condemned() || !self.is_newest(&instance) {
                Some(instance)
            } else {
                idle.push(instance);
                self.released.notify_one();
                None
            }
        };
        if let Some(instance) = rejected {
            instance.kill().await;
        }
    }

    /// Kills all instances, or the one with this id, and waits until they are gone; gives how many there were.
    pub(crate) async fn kill(&self, instance: Option<&str>) -> usize {
        let ends = self.lives.condemn(instance);
        let idle: Vec<_> = self.idle().extract_if(.., |instance| instance.is_condemned()).collect();
        for instance in idle {
            instance.kill().await;
        }
        for end in &ends {
            end.cancelled().await;
        }
        ends.len()
    }

    /// From here on, a build that replaces the executable replaces the processes, too.
    pub(crate) fn watch(&self) {
        self.executable.watch();
    }

    /// Ends the idle instances of earlier builds, if the executable is watched and was replaced. Those that are busy end
    /// after their invocation.
    pub(crate) async fn reload(&self) -> bool {
        if !self.executable.was_replaced() {
            return false;
        }
        let outdated: Vec<_> = self.idle().extract_if(.., |instance| !self.is_newest(instance)).collect();
        for instance in outdated {
            instance.kill().await;
        }
        if let Some(environments) = &self.environments {
            environments.retire(|instance| !self.executable.is_newest(instance.build)).await;
        }
        true
    }

    fn is_newest(&self, instance: &Instance) -> bool {
        self.executable.is_newest(instance.build)
    }

    pub(crate) fn instances(&self) -> Instances {
        // In this order: one that is neither idle nor gone in between counts as busy.
        let (alive, idle) = (self.lives.count(), self.idle().len());
        let idle = idle + self.environments.as_ref().map_or(0, Environments::idle);
        Instances { alive, busy: alive.saturating_sub(idle) }
    }

    pub(crate) fn model(&self) -> &model::Function {
        &self.model
    }

    /// Ends the instances that have been idle for `age`.
    pub(crate) async fn retire(&self, age: Duration) {
        let expired: Vec<_> = self.idle().extract_if(.., |instance| instance.idle_since.elapsed() >= age).collect();
        for instance in expired {
            instance.kill().await;
        }
        if let Some(environments) = &self.environments {
            if age.is_zero() {
                environments.end().await;
            }
            environments.retire(|instance| instance.idle().is_some_and(|idle| idle >= age)).await;
        }
    }

    /// Counts from zero again.
    pub(crate) fn reset_stats(&self) {
        *self.stats() = Stats::default();
        self.freezes.store(0, Ordering::Relaxed);
    }

    pub(crate) fn read_stats(&self) -> Stats {
        Stats { freezes: self.freezes.load(Ordering::Relaxed), ..self.stats().clone() }
    }

    pub(crate) fn stats(&self) -> MutexGuard<'_, Stats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Logs that functions run their new executables.
pub(crate) fn say_reloaded(functions: &[&str]) {
    tracing::info!("rebuilt: {}; the next invocation runs the new binary", functions.join(", "));
}

struct ColdStart {
    /// Duration of the init phase, if it succeeded at once.
    init: Option<Duration>,
    /// Part of the function's timeout that a repeated init phase used up.
    spent: Duration,
    result: Result<(), Failure>,
}

/// "Duration is calculated from the time your code begins executing until it returns or otherwise terminates, rounded up to
/// the nearest 1 ms": <https://aws.amazon.com/lambda/pricing/>.
fn billed(duration: Duration) -> Duration {
    // No invocation takes 2^64 ms.
    Duration::from_millis(u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

fn start_failure(prepared: Result<(), Failure>) -> Failure {
    prepared.err().unwrap_or_else(|| Failure::InvalidEntrypoint("the process did not start".to_owned()))
}
