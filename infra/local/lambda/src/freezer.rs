//! Freezing: the process of an instance is stopped between its invocations, as AWS freezes a sandbox.
//!
//! "Lambda freezes the execution environment when the runtime and each extension have completed and there are no pending events":
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>. Whatever the process had begun goes on at its
//! next invocation, with clocks that went on meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::process::{Pid, Signal, kill_process};

/// Stops and continues one process.
#[derive(Debug)]
pub(crate) struct Freezer {
    pid: Pid,
    frozen: AtomicBool,
    /// Counts for all instances of a function.
    freezes: Arc<AtomicU64>,
}

impl Freezer {
    /// `None`: the process has ended.
    pub(crate) fn new(pid: Option<u32>, freezes: Arc<AtomicU64>) -> Option<Self> {
        let pid = Pid::from_raw(pid?.try_into().ok()?)?;
        Some(Self { pid, frozen: AtomicBool::new(false), freezes })
    }

    pub(crate) fn freeze(&self) {
        match kill_process(self.pid, Signal::STOP) {
            Ok(()) => {
                self.frozen.store(true, Ordering::Relaxed);
                self.freezes.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => tracing::debug!(pid = self.pid.as_raw_pid(), %error, "cannot freeze a process"),
        }
    }

    pub(crate) fn thaw(&self) {
        if self.frozen.swap(false, Ordering::Relaxed)
            && let Err(error) = kill_process(self.pid, Signal::CONT)
        {
            // It has ended, which the invocation meets.
            tracing::debug!(pid = self.pid.as_raw_pid(), %error, "cannot thaw a process");
        }
    }
}
