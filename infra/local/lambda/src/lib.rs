//! Lambda: runs functions as child processes over the real Runtime API, or has them run by an Invoke API elsewhere.
//!
//! A function is a native binary that speaks the Runtime API. Each of its instances is one process: it runs one invocation at a
//! time and is stopped between two, or, with a capacity provider, several at once. The memory limit is not applied (`MemorySize`
//! reaches the function, and the `REPORT` lines say what it used).

pub mod asynchronous;
pub mod build;
mod concurrent_instance;
mod cpu;
mod environment;
mod error;
mod executable;
mod forward;
mod freezer;
mod function;
mod guard;
mod instance;
mod invocation;
pub mod invoke_api;
mod life;
mod limits;
pub mod log_feed;
mod log_sink;
mod logs;
mod process;
mod runtime_api;
mod stats;
mod trace;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use asynchronous::EventQueue;
use bytes::Bytes;
pub use environment::Services;
pub use forward::{EndpointError, InvokeEndpoint};
use function::FunctionPool;
pub use function::FunctionSetup;
use guard::Guard;
#[doc(hidden)]
pub use invocation::Handler;
pub use invocation::{Invocation, InvokeError, MAX_PAYLOAD_BYTES, Outcome};
pub use limits::Limits;
use local_template::model;
pub use log_sink::LogSink;
pub use stats::{Instances, Spread, Stats};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
pub use trace::{MAX_INVOCATIONS_IN_CHAIN, NoTraceHeader, TRACE_HEADER, TraceHeader};
use uuid::Uuid;

/// Interval of checks of rebuilt executables while their functions are not invoked.
const RELOAD_INTERVAL: Duration = Duration::from_millis(200);

/// The functions of a stack. Cheap to clone. When the last clone is dropped, the processes are killed.
#[derive(Clone)]
pub struct Lambda {
    inner: Arc<Inner>,
}

impl fmt::Debug for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lambda").field(&self.inner.functions.keys()).finish()
    }
}

struct Inner {
    functions: BTreeMap<String, Arc<FunctionPool>>,
    handlers: BTreeMap<String, Handler>,
    /// Logical ids of the functions that may run in loops: `RecursiveLoop: Allow`.
    loops_allowed: BTreeSet<String>,
    /// The invocations that run, and the reaper.
    tasks: TaskTracker,
    /// Set once, before anything is invoked asynchronously.
    events: OnceLock<EventQueue>,
    shutdown: CancellationToken,
}

impl Lambda {
    /// Makes the functions callable; no process is started before the first invocation. Must be called within a Tokio
    /// runtime.
    pub fn new(functions: Vec<FunctionSetup>, services: &Services, log: &LogSink, shutdown: CancellationToken) -> Self {
        Self::with_limits(functions, services, log, shutdown, Limits::default())
    }

    /// Like [`new`](Self::new), with other times than AWS's.
    pub fn with_limits(
        functions: Vec<FunctionSetup>,
        services: &Services,
        log: &LogSink,
        shutdown: CancellationToken,
        limits: Limits,
    ) -> Self {
        let guard = Arc::new(Guard::default());
        let loops_allowed = loops_allowed(functions.iter().map(|setup| &setup.function));
        let functions = functions.into_iter().map(|setup| {
            let id = setup.function.logical_id.clone();
            let function =
                FunctionPool::new(setup, services.clone(), limits, log.clone(), shutdown.clone(), Arc::clone(&guard));
            (id, Arc::new(function))
        });
        let tasks = TaskTracker::new();
        let inner = Arc::new(Inner {
            functions: functions.collect(),
            handlers: BTreeMap::new(),
            loops_allowed,
            tasks: tasks.clone(),
            events: OnceLock::new(),
            shutdown: shutdown.clone(),
        });
        tasks.spawn(reap(Arc::downgrade(&inner), limits.idle, shutdown));
        Self { inner }
    }

    /// Makes functions callable that run behind an Invoke API. Must be called within a Tokio runtime.
    pub fn forwarding(functions: &[model::Function], endpoint: &InvokeEndpoint, shutdown: CancellationToken) -> Self {
        Self::with_handlers(forward::handlers(functions, endpoint), loops_allowed(functions), shutdown)
    }

    /// Functions that are closures of a test, by logical id.
    #[doc(hidden)]
    pub fn from_handlers(handlers: BTreeMap<String, Handler>) -> Self {
        Self::with_handlers(handlers, BTreeSet::new(), CancellationToken::new())
    }

    fn with_handlers(
        handlers: BTreeMap<String, Handler>,
        loops_allowed: BTreeSet<String>,
        shutdown: CancellationToken,
    ) -> Self {
        let (functions, tasks) = (BTreeMap::new(), TaskTracker::new());
        let events = OnceLock::new();
        Self { inner: Arc::new(Inner { functions, handlers, loops_allowed, tasks, events, shutdown }) }
    }

    /// Says where events of asynchronous invocations are kept and reported. Has an effect once.
    pub fn set_event_queue(&self, queue: EventQueue) {
        if self.inner.events.set(queue).is_err() {
            tracing::error!("the queue of events was set before");
        }
    }

    fn events(&self) -> Option<&EventQueue> {
        self.inner.events.get()
    }

    /// Runs one synchronous invocation of the function with this logical id. Dropping the future does not stop the
    /// invocation.
    pub async fn invoke(&self, function: &str, payload: Bytes) -> Result<Outcome, InvokeError> {
        self.invoke_in_chain(function, payload, None).await
    }

    /// Like [`invoke`](Self::invoke), caused by another invocation, which sent this header. Fails if the chain is a loop.
    pub async fn invoke_in_chain(
        &self,
        function: &str,
        payload: Bytes,
        cause: Option<TraceHeader>,
    ) -> Result<Outcome, InvokeError> {
        self.run(function, payload, cause).await.map(|invocation| invocation.outcome)
    }

    /// Returns true if the function has run so often in this chain that the next invocation is stopped, and counts it as
    /// stopped.
    pub fn stops_loop(&self, function: &str, cause: &TraceHeader) -> bool {
        let Inner { functions, loops_allowed, .. } = &*self.inner;
        let stops = cause.is_loop(function) && !loops_allowed.contains(function);
        if stops {
            tracing::warn!(
                function,
                trace = %cause,
                "a recursive loop: the function ran {MAX_INVOCATIONS_IN_CHAIN} times in one chain, and its next invocation is stopped"
            );
            if let Some(function) = functions.get(function) {
                function.stats().recursive_invocations_dropped += 1;
            }
        }
        stops
    }

    fn count_dropped_event(&self, function: &str) {
        if let Some(function) = self.inner.functions.get(function) {
            function.stats().async_events_dropped += 1;
        }
    }

    /// Like [`invoke_in_chain`](Self::invoke_in_chain), with the invocation's id and log.
    pub async fn run(
        &self,
        function: &str,
        payload: Bytes,
        cause: Option<TraceHeader>,
    ) -> Result<Invocation, InvokeError> {
        let Inner { functions, handlers, tasks, shutdown, .. } = &*self.inner;
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(InvokeError::TooLarge);
        }
        if shutdown.is_cancelled() {
            return Err(InvokeError::Stopping);
        }
        if cause.as_ref().is_some_and(|cause| self.stops_loop(function, cause)) {
            return Err(InvokeError::Recursive);
        }
        let invocation = if let Some(handler) = handlers.get(function) {
            let (answer, shutdown) = (handler(payload), shutdown.clone());
            tasks.spawn(async move {
                let outcome = shutdown.run_until_cancelled(answer).await.unwrap_or(Err(InvokeError::Stopping))?;
                Ok(Invocation { request_id: Uuid::new_v4().to_string(), outcome, log: String::new() })
            })
        } else {
            let function = functions.get(function).ok_or_else(|| InvokeError::NotFound(function.to_owned()))?;
            let slot = function.slot()?;
            let trace = cause.unwrap_or_default().enter(&function.model().logical_id);
            let function = Arc::clone(function);
            tasks.spawn(async move { function.invoke(payload, trace, slot).await })
        };
        // The task ends early only with the runtime.
        invocation.await.unwrap_or(Err(InvokeError::Stopping))
    }

    /// Returns once the shutdown token has fired and every process has ended.
    pub async fn stopped(&self) {
        self.inner.shutdown.cancelled().await;
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// Returns true if there is a function with this logical id.
    pub fn has(&self, function: &str) -> bool {
        self.inner.functions.contains_key(function) || self.inner.handlers.contains_key(function)
    }

    /// Kills the processes of a function, or the one instance with this id, as a crash would: SIGKILL, wherever they are.
    /// Returns once they are gone; how many there were.
    pub async fn kill(&self, function: &str, instance: Option<&str>) -> Result<usize, InvokeError> {
        match self.inner.functions.get(function) {
            Some(function) => Ok(function.kill(instance).await),
            None => Err(InvokeError::NotFound(function.to_owned())),
        }
    }

    /// From here on, a function whose executable is replaced runs the new one: its idle processes end at once, busy ones
    /// after their invocation. A build in progress delays only invocations that need a new process.
    pub fn reload_rebuilt(&self) {
        let Inner { functions, tasks, shutdown, .. } = &*self.inner;
        for function in functions.values() {
            function.watch();
        }
        let (inner, shutdown) = (Arc::downgrade(&self.inner), shutdown.clone());
        tasks.spawn(shutdown.run_until_cancelled_owned(reload(inner)));
    }

    /// Counts from zero again.
    pub fn reset_stats(&self) {
        for function in self.inner.functions.values() {
            function.reset_stats();
        }
    }

    /// The functions that run here, each with what it did.
    pub fn functions(&self) -> impl Iterator<Item = (&model::Function, Stats)> {
        self.inner.functions.values().map(|function| (function.model(), function.read_stats()))
    }

    /// Returns the number of instances of each function, by logical id.
    pub fn instances(&self) -> BTreeMap<String, Instances> {
        self.inner.functions.iter().map(|(id, function)| (id.clone(), function.instances())).collect()
    }

    /// Returns the counters of each function, by logical id.
    pub fn stats(&self) -> BTreeMap<String, Stats> {
        self.inner.functions.iter().map(|(id, function)| (id.clone(), function.read_stats())).collect()
    }
}

fn loops_allowed<'a>(functions: impl IntoIterator<Item = &'a model::Function>) -> BTreeSet<String> {
    let allowed = functions.into_iter().filter(|function| function.recursive_loop_allowed);
    allowed.map(|function| function.logical_id.clone()).collect()
}

/// Ends instances that are idle for too long, and all of them when the token fires.
async fn reap(inner: Weak<Inner>, idle: Duration, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval((idle / 4).max(Duration::from_millis(10)));
    loop {
        let stopping = tokio::select! {
            _ = tick.tick() => false,
            () = shutdown.cancelled() => true,
        };
        let Some(inner) = inner.upgrade() else { return };
        for function in inner.functions.values() {
            function.retire(if stopping { Duration::ZERO } else { idle }).await;
        }
        if stopping {
            return;
        }
    }
}

/// Looks for executables that were replaced. Invocations look themselves: this is for functions that are not invoked, and
/// for whoever waits to read that the new binary is there.
async fn reload(inner: Weak<Inner>) {
    let mut tick = tokio::time::interval(RELOAD_INTERVAL);
    loop {
        tick.tick().await;
        let Some(inner) = inner.upgrade() else { return };
        let mut reloaded = Vec::new();
        for (id, function) in &inner.functions {
            if function.reload().await {
                reloaded.push(id.as_str());
            }
        }
        if !reloaded.is_empty() {
            function::say_reloaded(&reloaded);
        }
    }
}
