//! A chat that is driven by pipes.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use end_to_end::Cloud;
use end_to_end::cloud::executable;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;
use uuid::Uuid;

pub(crate) const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// Returns a name that no other test has.
pub(crate) fn unique(name: &str) -> String {
    format!("{name}-{}", &Uuid::new_v4().simple().to_string()[..8])
}

/// The program, built once.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| executable("chat"))
}

/// The command with the endpoints of the shared cloud.
pub(crate) fn command() -> Command {
    let mut command = Command::new(program());
    command.arg("--endpoints").arg(Cloud::shared().endpoints_file()).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) struct Chat {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    printed: Vec<String>,
}

impl Chat {
    /// Starts a chat and waits until it is connected.
    pub(crate) async fn start(name: &str) -> Self {
        let mut child = command().arg(name).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut chat = Self { child, stdin, lines: BufReader::new(stdout).lines(), printed: Vec::new() };
        chat.until("* connected").await;
        chat
    }

    pub(crate) async fn say(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Waits for a line with this text, and returns it.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        loop {
            let line = timeout(WAIT_TIMEOUT, self.lines.next_line()).await;
            let printed = || self.printed.join("\n");
            let line = line.unwrap_or_else(|_| panic!("waited in vain for {text:?}: {}", printed())).unwrap();
            let line = line.unwrap_or_else(|| panic!("the chat ended before {text:?}: {}", printed()));
            self.printed.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Types a line, and waits for one with this text.
    pub(crate) async fn ask(&mut self, line: &str, text: &str) -> String {
        self.say(line).await;
        self.until(text).await
    }

    /// Closes the input. Returns all that was printed, and how the chat ended.
    pub(crate) async fn end(mut self) -> (Vec<String>, ExitStatus) {
        drop(self.stdin);
        while let Some(line) = timeout(WAIT_TIMEOUT, self.lines.next_line()).await.unwrap().unwrap() {
            self.printed.push(line);
        }
        (self.printed, timeout(WAIT_TIMEOUT, self.child.wait()).await.unwrap().unwrap())
    }
}
