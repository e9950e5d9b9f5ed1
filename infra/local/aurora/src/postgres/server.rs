//! The server process and its watchdog.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::Instant;
use tokio_postgres::NoTls;

use super::account::Account;
use super::binaries::Binaries;
use super::error::PostgresError;
use crate::Database;

/// Starts PostgreSQL in its own place, after leaving a watchdog behind that waits for our end of the pipe to close. Then
/// it asks for a fast shutdown (SIGINT), waits, and removes the folders that were only for this run.
///
/// The watchdog is not a child of the server, because PostgreSQL would wonder about children that it did not make.
const LAUNCH: &str = r#"
pid=$$
folders=$1
shift
exec 3<&0 </dev/null
(
    {
        read -r _ <&3
        kill -INT "$pid" 2>/dev/null
        while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
        printf '%s' "$folders" | while IFS= read -r folder; do rm -rf -- "$folder"; done
    } >/dev/null 2>&1 &
)
exec "$@" 3<&-
"#;

/// Size of `sun_path` in the narrowest of our systems (macOS), its closing zero included.
const MAX_SOCKET_PATH_BYTES: usize = 104;
const SOCKET_NAME: &str = ".s.PGSQL.5432";

const START_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Lines of the server's log that are kept for an error's text.
const LOG_TAIL_LINES: usize = 10;

/// Returns true if the operating system can hold the name of a socket in `folder`.
pub(super) fn fits_socket(folder: &Path) -> bool {
    folder.join(SOCKET_NAME).as_os_str().len() < MAX_SOCKET_PATH_BYTES
}

/// Settings of the server process.
pub(super) struct Settings<'a> {
    pub(super) data_dir: &'a Path,
    pub(super) socket_dir: &'a Path,
    pub(super) durable: bool,
}

/// A running server. Dropping it closes the pipe, and the watchdog does the rest.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) fn spawn(
        binaries: &Binaries,
        account: Account,
        settings: &Settings<'_>,
        temporary: &[PathBuf],
    ) -> Result<Self, PostgresError> {
        let folders: Vec<String> = temporary.iter().map(|folder| format!("{}\n", folder.display())).collect();
        let program = PathBuf::from("/bin/sh");
        let mut command = Command::new(&program);
        command.args(["-c", LAUNCH, "postgres-watchdog"]).arg(folders.concat()).arg(binaries.path("postgres"));
        command.arg("-D").arg(settings.data_dir);
        let mut set = |name: &str, value: &str| {
            command.arg("-c").arg(format!("{name}={value}"));
        };
        set("listen_addresses", "");
        set("unix_socket_directories", &settings.socket_dir.to_string_lossy());
        set("unix_socket_permissions", "0700");
        set("TimeZone", "UTC");
        set("log_timezone", "UTC");
        set("lc_messages", "C");
        if !settings.durable {
            for name in ["fsync", "synchronous_commit", "full_page_writes"] {
                set(name, "off");
            }
        }
        account.apply(&mut command);
        // Ctrl-C in a terminal goes to the whole group of processes; PostgreSQL shall only hear it from us.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| PostgresError::Run { program, source })?;
        let log = Arc::default();
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(follow(stderr, Arc::clone(&log)));
        }
        Ok(Self { child, log })
    }

    /// Waits until the server accepts connections.
    pub(super) async fn wait_until_ready(&mut self, database: &Database) -> Result<(), PostgresError> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let Err(refusal) = database.config().connect(NoTls).await else {
                return Ok(());
            };
            let gone = self.child.try_wait().map_err(|error| PostgresError::Start(error.to_string()))?;
            if gone.is_some() || Instant::now() > deadline {
                let log = self.log.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
                return Err(PostgresError::Start(format!("{refusal}\n{log}")));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks for a fast shutdown and waits; kills a server that does not end in time.
    pub(super) async fn stop(&mut self) -> Result<(), PostgresError> {
        drop(self.child.stdin.take());
        let waited = if let Ok(waited) = tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await {
            waited.map(drop)
        } else {
            tracing::warn!("PostgreSQL did not shut down in time and is killed");
            self.child.kill().await
        };
        waited.map_err(|source| PostgresError::Run { program: PathBuf::from("postgres"), source })
    }
}

/// Passes the server's log on.
async fn follow(stderr: ChildStderr, tail: Arc<Mutex<Vec<String>>>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(target: "postgresql", "{line}");
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.len() == LOG_TAIL_LINES {
            tail.remove(0);
        }
        tail.push(line);
    }
}
