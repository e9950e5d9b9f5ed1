//! One execution environment of a Managed Instance: a child process that runs several invocations at once, and is never frozen.

use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use local_template::model::Function;
use tokio::process::Child;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::environment::Services;
use super::error::Failure;
use super::executable::{Build, Executable};
use super::guard::{Guard, Guarded};
use super::life::Place;
use super::logs::{Capture, Flusher, InstanceLog};
use super::process::{self, CpuAccount, crash, ended};
use super::runtime_api::concurrent::ConcurrentRuntimeApi;
use super::runtime_api::{Event, Reply};
use super::trace::TraceHeader;

/// The end of a process.
type Exit = Result<ExitStatus, String>;

/// One running process of a function. Dropping it kills the process; [`kill`](Self::kill) also waits for its end.
#[derive(Debug)]
pub(crate) struct ConcurrentInstance {
    /// The build that the process runs, or the one that was being replaced when it started.
    pub build: Option<Build>,
    api: ConcurrentRuntimeApi,
    log: InstanceLog,
    flusher: Flusher,
    pid: Option<u32>,
    killed: CancellationToken,
    exit: watch::Receiver<Option<Exit>>,
    usage: Mutex<Usage>,
}

#[derive(Debug)]
struct Usage {
    /// End of the newest invocation, or start of the process.
    idle_since: Instant,
    cpu: CpuAccount,
}

/// An invocation's place in an instance.
#[derive(Debug)]
pub(crate) struct Seat {
    pub instance: Arc<ConcurrentInstance>,
    reply: oneshot::Receiver<Reply>,
}

impl ConcurrentInstance {
    /// Starts the process, which then is in its init phase. It gets its events from `api`.
    pub(crate) async fn start(
        function: &Function,
        executable: &Executable,
        services: &Services,
        log: InstanceLog,
        place: Place,
        guard: &Arc<Guard>,
        api: ConcurrentRuntimeApi,
    ) -> io::Result<Self> {
        let (mut child, build) = process::start(function, executable, services, api.address(), place.id()).await?;
        let pid = child.id();
        let guarded = pid.map(|pid| guard.add(pid));
        let capture = Capture::start(&mut child, &log);
        let (flusher, killed) = (capture.flusher().clone(), place.killed().clone());
        let (exited, exit) = watch::channel(None);
        tokio::spawn(watch_over(child, capture, exited, place, guarded));
        let usage = Mutex::new(Usage { idle_since: Instant::now(), cpu: CpuAccount::default() });
        Ok(Self { build, api, log, flusher, pid, killed, exit, usage })
    }

    /// Waits for the end of the init phase: the first `/next`.
    pub(crate) async fn initialised(&self, limit: Duration) -> Result<(), Failure> {
        tokio::select! {
            biased;
            ready = self.api.ready() => ready.map_err(Failure::Reported),
            failure = self.ended() => Err(failure),
            () = tokio::time::sleep(limit) => Err(Failure::TimedOut(limit)),
        }
    }

    /// Takes a place for an invocation. `None`: there is none, or the process ends.
    pub(crate) fn seat(self: &Arc<Self>, request_id: &str) -> Option<Seat> {
        let reply = if self.is_ending() { None } else { self.api.take_place(request_id) };
        reply.map(|reply| Seat { instance: Arc::clone(self), reply })
    }

    /// Returns true if no invocation should begin here any more.
    pub(crate) fn is_ending(&self) -> bool {
        self.killed.is_cancelled() || self.exit.borrow().is_some()
    }

    /// Number of invocations under way.
    pub(crate) fn running(&self) -> usize {
        self.api.taken()
    }

    /// Time since the end of the newest invocation; `None` while one is under way.
    pub(crate) fn idle(&self) -> Option<Duration> {
        (self.running() == 0).then(|| self.usage().idle_since.elapsed())
    }

    pub(crate) fn log(&self) -> &InstanceLog {
        &self.log
    }

    pub(crate) fn used_mib(&self) -> Option<u64> {
        process::used_mib(self.pid.filter(|_| self.exit.borrow().is_none())?)
    }

    /// Processor time of all invocations since the last call.
    pub(crate) fn cpu_since_last(&self) -> Duration {
        let pid = self.pid.filter(|_| self.exit.borrow().is_none());
        self.usage().cpu.since_last(pid)
    }

    /// Kills the process (SIGKILL) and waits until it and its last output are gone.
    pub(crate) async fn kill(&self) {
        self.killed.cancel();
        self.ended().await;
    }

    /// Waits for the end of the process.
    async fn ended(&self) -> Failure {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(exit)) => ended(exit.clone().map_err(io::Error::other)),
            // The task that watches over it ends with the runtime.
            Ok(None) | Err(_) => ended(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn usage(&self) -> std::sync::MutexGuard<'_, Usage> {
        // Nothing panics while it holds the lock.
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConcurrentInstance {
    fn drop(&mut self) {
        self.killed.cancel();
    }
}

impl Seat {
    /// Runs the invocation that has this place.
    ///
    /// "Lambda Managed Instances does not enforce timeouts": the code of one that timed out goes on and keeps its place, beside the
    /// others: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html>. The end of the
    /// process fails all of its invocations.
    pub(crate) async fn run(
        &mut self,
        function: &Function,
        request_id: &str,
        trace: TraceHeader,
        payload: Bytes,
    ) -> Result<Bytes, Failure> {
        let instance = &*self.instance;
        let until = Instant::now() + function.timeout;
        instance.api.deliver(Event::new(function, request_id, &trace, payload, function.timeout));
        let reply = tokio::select! {
            biased;
            Ok(reply) = &mut self.reply => reply,
            // It may have replied and ended at once.
            failure = instance.ended() => self.reply.try_recv().map_err(|_| failure)?,
            () = sleep_until(until) => return Err(Failure::TimedOut(function.timeout)),
        };
        instance.flusher.flush().await;
        instance.usage().idle_since = Instant::now();
        reply.into_result()
    }
}

/// Waits for the end of a process, or kills it when it is condemned; then reads its last output.
async fn watch_over(
    mut child: Child,
    mut capture: Capture,
    exited: watch::Sender<Option<Exit>>,
    place: Place,
    guarded: Option<Guarded>,
) {
    let status = tokio::select! {
        status = child.wait() => status,
        () = place.killed().cancelled() => crash(&mut child).await,
    };
    drop(guarded);
    capture.finish().await;
    exited.send_replace(Some(status.map_err(|error| error.to_string())));
}
