//! One sandbox: a child process with its Runtime API. Runs one invocation at a time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use local_template::model::Function;
use tokio::process::Child;
use tokio::time::{Instant, sleep_until};

use super::environment::Services;
use super::error::Failure;
use super::executable::{Build, Executable};
use super::freezer::Freezer;
use super::guard::{Guard, Guarded};
use super::life::Place;
use super::logs::{Capture, InstanceLog};
use super::process::{self, CpuAccount, crash, ended};
use super::runtime_api::{Event, RuntimeApi};
use super::trace::TraceHeader;

/// One running process of a function. Dropping it kills the process; [`kill`](Self::kill) also waits for its end.
#[derive(Debug)]
pub(crate) struct Instance {
    child: Child,
    /// The build that the process runs, or the one that was being replaced when it started.
    pub build: Option<Build>,
    api: RuntimeApi,
    capture: Capture,
    log: InstanceLog,
    /// Until when the process may be busy after a reply.
    busy_until: Instant,
    /// End of the newest invocation, or start of the process.
    pub idle_since: Instant,
    cpu: CpuAccount,
    /// Dropped after the process.
    place: Place,
    /// Dropped after the process.
    _guarded: Option<Guarded>,
}

impl Instance {
    /// Starts the process, which then is in its init phase.
    pub(crate) async fn start(
        function: &Function,
        executable: &Executable,
        services: &Services,
        log: InstanceLog,
        place: Place,
        guard: &Arc<Guard>,
        freezes: &Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let api = RuntimeApi::start().await?;
        let (mut child, build) = process::start(function, executable, services, api.address(), place.id()).await?;
        let guarded = child.id().map(|pid| guard.add(pid));
        api.freeze_between_invocations(Freezer::new(child.id(), Arc::clone(freezes)));
        let capture = Capture::start(&mut child, &log);
        let now = Instant::now();
        Ok(Self {
            child,
            build,
            api,
            capture,
            log,
            busy_until: now,
            idle_since: now,
            cpu: CpuAccount::default(),
            place,
            _guarded: guarded,
        })
    }

    /// Waits for the end of the init phase: the first `/next`.
    pub(crate) async fn initialised(&mut self, limit: Duration) -> Result<(), Failure> {
        tokio::select! {
            biased;
            ready = self.api.ready() => ready.map_err(Failure::Reported),
            status = self.child.wait() => Err(ended(status)),
            () = self.place.killed().cancelled() => Err(ended(crash(&mut self.child).await)),
            () = tokio::time::sleep(limit) => Err(Failure::TimedOut(limit)),
        }
    }

    /// Waits until the process asks for its next event, at most until the deadline of its previous one. `false`: it never
    /// will, because it has ended or hangs.
    pub(crate) async fn free(&mut self) -> bool {
        // A process that died while idle is still `Ready` to its Runtime API.
        if !matches!(self.child.try_wait(), Ok(None)) {
            return false;
        }
        tokio::select! {
            biased;
            ready = self.api.ready() => ready.is_ok(),
            _ = self.child.wait() => false,
            () = sleep_until(self.busy_until) => false,
        }
    }

    /// Runs one invocation; the process must be waiting for it. After a failure that [ends the
    /// instance](is_fatal), only [`kill`](Self::kill) is left to do.
    pub(crate) async fn run(
        &mut self,
        function: &Function,
        request_id: &str,
        trace: TraceHeader,
        payload: Bytes,
        limit: Duration,
    ) -> Result<Bytes, Failure> {
        self.busy_until = Instant::now() + limit;
        self.api.deliver(Event::new(function, request_id, &trace, payload, limit));
        let reply = tokio::select! {
            biased;
            reply = self.api.reply() => reply,
            // It may have replied and ended at once.
            status = self.child.wait() => self.api.reply_now().ok_or_else(|| ended(status))?,
            () = self.place.killed().cancelled() => return Err(ended(crash(&mut self.child).await)),
            () = sleep_until(self.busy_until) => return Err(Failure::TimedOut(function.timeout)),
        };
        self.capture.flusher().flush().await;
        self.idle_since = Instant::now();
        reply.into_result()
    }

    pub(crate) fn log(&self) -> &InstanceLog {
        &self.log
    }

    pub(crate) fn used_mib(&self) -> Option<u64> {
        process::used_mib(self.child.id()?)
    }

    /// Processor time since the last call.
    pub(crate) fn cpu_since_last(&mut self) -> Duration {
        self.cpu.since_last(self.child.id())
    }

    /// Returns true if the process is to be killed by another part than the pool.
    pub(crate) fn is_condemned(&self) -> bool {
        self.place.killed().is_cancelled()
    }

    /// Kills the process (SIGKILL) and waits until it and its last output are gone.
    pub(crate) async fn kill(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "cannot kill a function's process");
        }
        self.capture.finish().await;
    }
}

/// Returns true if this failure ends the instance. On AWS an error that the handler reports leaves it warm.
pub(crate) fn is_fatal(failure: &Failure) -> bool {
    !matches!(failure, Failure::Reported(_) | Failure::ResponseTooLarge(_))
}
