//! The guard of the functions' processes: it kills them when the local cloud is killed.
//!
//! A process whose Runtime API is gone ends on its own, but not while it is frozen. So a shell waits for the end of a pipe from
//! the local cloud, which the kernel closes however that ends, and kills what is left. It works alike on Linux and macOS.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// Reads `+ pid` and `- pid`. At the end it kills what is left.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
live=' '
while read -r sign pid; do
    case $sign in
        +) live="$live$pid " ;;
        -) live="${live%% "$pid" *} ${live#* "$pid" }" ;;
    esac
done
for pid in $live; do kill -KILL "$pid"; done 2>/dev/null
"#;

/// The guard, started with the first process.
#[derive(Debug, Default)]
pub(crate) struct Guard(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    NotStarted,
    Running(Child, ChildStdin),
    /// Processes may be left behind when the local cloud is killed. That was logged.
    Failed,
}

/// A process under guard, until this is dropped.
#[derive(Debug)]
pub(crate) struct Guarded {
    pid: u32,
    guard: Arc<Guard>,
}

impl Guard {
    /// Guards a process. The last to be dropped is to be the result, after the process has ended.
    pub(crate) fn add(self: &Arc<Self>, pid: u32) -> Guarded {
        self.tell('+', pid);
        Guarded { pid, guard: Arc::clone(self) }
    }

    fn tell(&self, sign: char, pid: u32) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::NotStarted) {
            *state = match start() {
                Ok((shell, input)) => State::Running(shell, input),
                Err(error) => failed(&error),
            };
        }
        // A few bytes into a pipe that is read at once.
        if let State::Running(_, input) = &mut *state
            && let Err(error) = writeln!(input, "{sign} {pid}")
        {
            *state = failed(&error);
        }
    }
}

fn start() -> io::Result<(Child, ChildStdin)> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Out of reach of a terminal's Ctrl-C.
    let mut shell = shell.process_group(0).spawn()?;
    let input = shell.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    Ok((shell, input))
}

fn failed(error: &io::Error) -> State {
    tracing::warn!(%error, "functions' processes are not guarded: if the local cloud is killed, they stay");
    State::Failed
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let State::Running(mut shell, input) =
            std::mem::take(self.0.get_mut().unwrap_or_else(PoisonError::into_inner))
        {
            drop(input);
            // It ends at once, having little or nothing to kill.
            if let Err(error) = shell.wait() {
                tracing::debug!(%error, "the guard of the functions' processes");
            }
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.guard.tell('-', self.pid);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    fn sleeper() -> Child {
        let sleeper = Command::new("sleep").arg("600").spawn().unwrap();
        kill_process(Pid::from_child(&sleeper), Signal::STOP).unwrap();
        sleeper
    }

    #[test]
    fn whatever_is_left_at_the_end_is_killed_although_it_is_stopped() {
        let (mut left, mut other, mut released) = (sleeper(), sleeper(), sleeper());
        let guard = Arc::new(Guard::default());
        // As the kernel does when the local cloud is killed: the pipe ends, and nothing was released.
        for child in [&left, &released, &other] {
            guard.tell('+', child.id());
        }
        guard.tell('-', released.id());
        drop(guard);
        assert_eq!(left.wait().unwrap().signal(), Some(9));
        assert_eq!(other.wait().unwrap().signal(), Some(9));
        assert!(released.try_wait().unwrap().is_none(), "it was released");
        released.kill().unwrap();
        released.wait().unwrap();
    }
}
