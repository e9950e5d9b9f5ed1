//! The data folder: what it holds, how it is made, and who else is on it.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use super::account::{Account, files};
use super::binaries::Binaries;
use super::error::PostgresError;

/// The database user that owns everything.
pub(super) const SUPERUSER: &str = "postgres";

/// Locales to try. `C.UTF-8` knows the letters of all scripts; systems without it have `C`.
const LOCALES: [&str; 2] = ["C.UTF-8", "C"];

/// A folder that holds data, or is going to.
#[derive(Debug)]
pub(super) struct PostgresDir {
    path: PathBuf,
}

impl PostgresDir {
    /// Makes `path` if need be, as the account's own.
    pub(super) fn open(path: &Path, account: Account) -> Result<Self, PostgresError> {
        if !path.exists() {
            fs::create_dir_all(path).map_err(|source| files(path, source))?;
            // PostgreSQL refuses a folder that others can look into.
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(|source| files(path, source))?;
            account.take_over(path)?;
        }
        let path = path.canonicalize().map_err(|source| files(path, source))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Major version of the data; `None` where there is none yet.
    pub(super) fn version(&self) -> Result<Option<String>, PostgresError> {
        let path = self.path.join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(version) => Ok(Some(version.trim().to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut entries = self.path.read_dir().map_err(|source| files(&self.path, source))?;
                match entries.next() {
                    None => Ok(None),
                    Some(_) => Err(PostgresError::NotADataFolder(self.path.clone())),
                }
            }
            Err(source) => Err(files(&path, source)),
        }
    }

    /// Runs `initdb` if there is no data, in a folder beside this one that replaces it after success: an interrupted `initdb`
    /// leaves nothing that looks like data.
    pub(super) async fn initialise(
        &self,
        binaries: &Binaries,
        account: Account,
        durable: bool,
    ) -> Result<(), PostgresError> {
        if self.version()?.is_some() {
            return Ok(());
        }
        self.remove_unfinished()?;
        let mut failure = String::new();
        for locale in LOCALES {
            let unfinished = self.unfinished(account)?;
            let mut initdb = Command::new(binaries.path("initdb"));
            initdb.arg("--pgdata").arg(unfinished.path());
            initdb.args(["--username", SUPERUSER, "--encoding", "UTF8", "--locale", locale, "--auth", "trust"]);
            initdb.arg("--no-instructions");
            if !durable {
                initdb.arg("--no-sync");
            }
            // Ctrl-C in a terminal goes to the whole group of processes, and would look like a failure.
            initdb.process_group(0);
            match run(account, "initdb", initdb).await {
                Ok(()) => {
                    return fs::rename(unfinished.keep(), &self.path).map_err(|source| files(&self.path, source));
                }
                Err(PostgresError::Tool { output, .. }) => failure = output,
                Err(other) => return Err(other),
            }
        }
        Err(PostgresError::Tool { program: "initdb", output: failure })
    }

    /// Writes who may log in: the owner, since only the server's user can reach its socket, and every other role with its password.
    pub(super) fn require_passwords(&self) -> Result<(), PostgresError> {
        let path = self.path.join("pg_hba.conf");
        let rules = format!("local all {SUPERUSER} trust\nlocal all all scram-sha-256\n");
        // Into the file of `initdb`, which is the account's.
        fs::write(&path, rules).map_err(|source| files(&path, source))
    }

    /// A folder for `initdb`, with a name of its own: the processes of an interrupted one may still write to theirs.
    fn unfinished(&self, account: Account) -> Result<TempDir, PostgresError> {
        let parent = self.parent();
        let made = tempfile::Builder::new().prefix(&self.unfinished_prefix()).tempdir_in(parent);
        let folder = made.map_err(|source| files(parent, source))?;
        account.take_over(folder.path())?;
        Ok(folder)
    }

    /// Removes what interrupted runs of `initdb` have left behind.
    fn remove_unfinished(&self) -> Result<(), PostgresError> {
        let parent = self.parent();
        let prefix = self.unfinished_prefix();
        for entry in parent.read_dir().map_err(|source| files(parent, source))?.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(prefix.as_encoded_bytes())
                && let Err(error) = fs::remove_dir_all(entry.path())
            {
                // Something still writes to it; the next start finds it abandoned.
                tracing::debug!(%error, "cannot remove {}", entry.path().display());
            }
        }
        Ok(())
    }

    fn unfinished_prefix(&self) -> OsString {
        let mut prefix = self.path.file_name().unwrap_or_default().to_owned();
        prefix.push(".unfinished");
        prefix
    }

    fn parent(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// Stops the server that has this folder, if one does: a watchdog may still be at it, or have been killed.
    pub(super) async fn stop_stale_server(&self, binaries: &Binaries, account: Account) -> Result<(), PostgresError> {
        let Ok(lock) = fs::read_to_string(self.path.join("postmaster.pid")) else {
            return Ok(());
        };
        let Some(pid) = lock.lines().next().map(str::trim) else {
            return Ok(());
        };
        // The number may have gone to another process since. A server works in its data folder.
        let works_in = fs::read_link(format!("/proc/{pid}/cwd"));
        if Path::new("/proc/self").exists() && works_in.ok().as_deref() != Some(&self.path) {
            return Ok(());
        }
        tracing::warn!(pid, "stopping the PostgreSQL of an earlier run");
        let mut stop = Command::new(binaries.path("pg_ctl"));
        stop.args(["stop", "--wait", "--mode", "fast", "--timeout", "30", "--pgdata"]).arg(&self.path);
        match run(account, "pg_ctl", stop).await {
            // It may have gone by itself meanwhile; one that has not will be told by PostgreSQL's own lock.
            Err(PostgresError::Tool { output, .. }) => {
                tracing::debug!(output, "pg_ctl stop");
                Ok(())
            }
            other => other,
        }
    }
}

async fn run(account: Account, program: &'static str, mut command: Command) -> Result<(), PostgresError> {
    account.apply(&mut command);
    let path = PathBuf::from(command.as_std().get_program());
    let output = command.kill_on_drop(true).output().await;
    let output = output.map_err(|source| PostgresError::Run { program: path, source })?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(PostgresError::Tool { program, output: String::from_utf8_lossy(&text).trim().to_owned() })
}
