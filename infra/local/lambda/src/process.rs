//! The process of a function: how it starts, what it uses, how it ends.

use std::io;
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use local_template::model::Function;
use tokio::process::{Child, Command};

use super::cpu;
use super::environment::{self, Services};
use super::error::Failure;
use super::executable::{Build, Executable};

/// Starts the process of an instance with this id. Gives the build that it runs, or the one that was being replaced.
pub(crate) async fn start(
    function: &Function,
    executable: &Executable,
    services: &Services,
    runtime_api: SocketAddr,
    id: &str,
) -> io::Result<(Child, Option<Build>)> {
    let (path, build) = (executable.path(), executable.build());
    let mut command = Command::new(path);
    command
        .env_clear()
        .envs(environment::variables(function, path, services, runtime_api, id))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C in a terminal goes to the whole group of processes. Functions are still needed then: for `$disconnect`,
        // and for what is under way. They end when their Runtime API does.
        .process_group(0)
        .kill_on_drop(true);
    if let Some(folder) = path.parent() {
        command.current_dir(folder);
    }
    Ok((executable.spawn(&mut command).await?, build))
}

/// The highest resident size of a process so far in MiB, rounded up. `None` where the system has no `/proc`, or when the
/// process has ended.
pub(crate) fn used_mib(pid: u32) -> Option<u64> {
    // Not a file on a disk: reading it takes microseconds, less than a thread for it would.
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    kib.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib.div_ceil(1024))
}

/// Processor time of a process that has been accounted for.
#[derive(Debug, Default)]
pub(crate) struct CpuAccount(Duration);

impl CpuAccount {
    /// Processor time since the last call. The time of a process that has ended is not known any more.
    pub(crate) fn since_last(&mut self, pid: Option<u32>) -> Duration {
        let used = pid.and_then(cpu::used).unwrap_or(self.0);
        let since = used.saturating_sub(self.0);
        self.0 = used;
        since
    }
}

/// Kills a running process, as `kill -9` does.
pub(crate) async fn crash(child: &mut Child) -> io::Result<ExitStatus> {
    child.start_kill()?;
    child.wait().await
}

/// Returns the failure of an invocation whose process ended.
pub(crate) fn ended(status: io::Result<ExitStatus>) -> Failure {
    match status {
        Ok(status) => Failure::Exited(status),
        Err(error) => Failure::InvalidEntrypoint(error.to_string()),
    }
}
