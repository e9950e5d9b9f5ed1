//! A PostgreSQL server of this machine's own PostgreSQL, or of one that is fetched, on a Unix socket that only its user can reach.
//!
//! The server cannot outlive us: a watchdog holds the other end of a pipe, and shuts PostgreSQL down when the pipe
//! closes, however we ended.

mod account;
mod binaries;
mod data_dir;
mod error;
mod fetched;
mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use tempfile::TempDir;

use super::Database;
use account::Account;
use binaries::Binaries;
use data_dir::{PostgresDir, SUPERUSER};
pub use error::PostgresError;
pub use fetched::FetchError;
use server::Server;

/// A running server. Dropping it shuts it down, too, but does not wait.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    data_dir: PathBuf,
    socket_dir: PathBuf,
    /// Folders that go when the server has gone.
    temporary: Vec<PathBuf>,
}

impl Postgres {
    /// Starts a server on `data_dir`, which is made when it does not exist; without one, on a folder that is removed
    /// afterwards, and faster, because nothing is kept safe from power failures.
    ///
    /// Takes two to three seconds, most of it `initdb` on the first start. As root, the server runs as the user
    /// `postgres` or `nobody`; a folder that this user cannot reach is replaced by one below `/var/tmp`, always the same,
    /// and the log says so. A server of an earlier run that still has the folder is stopped first.
    pub async fn start(data_dir: Option<&Path>) -> Result<Self, PostgresError> {
        let account = Account::for_server(data_dir)?;
        let mut temporary = Vec::new();
        let wanted = if let Some(folder) = data_dir {
            account.reachable(folder)?
        } else {
            let parent = account.temporary_folder()?;
            let folder = parent.path().join("data");
            temporary.push(parent);
            folder
        };
        let folder = PostgresDir::open(&wanted, account)?;
        let binaries = Binaries::obtain(folder.version()?.as_deref(), folder.path()).await?;
        folder.stop_stale_server(&binaries, account).await?;
        folder.initialise(&binaries, account, data_dir.is_some()).await?;
        folder.require_passwords()?;

        let socket_dir = if server::fits_socket(folder.path()) {
            folder.path().to_owned()
        } else {
            let short = account.temporary_folder()?;
            let path = short.path().to_owned();
            temporary.push(short);
            path
        };
        let settings =
            server::Settings { data_dir: folder.path(), socket_dir: &socket_dir, durable: data_dir.is_some() };
        // From here on they are the watchdog's.
        let temporary: Vec<PathBuf> = temporary.into_iter().map(TempDir::keep).collect();
        let server = Server::spawn(&binaries, account, &settings, &temporary)?;
        let data_dir = folder.path().to_owned();
        let mut postgres = Self { server, data_dir, socket_dir, temporary };
        postgres.server.wait_until_ready(&postgres.database()).await?;
        Ok(postgres)
    }

    /// Looks for the programs that a server on `data_dir` needs, and fetches them if they are not installed.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or not in the version of the data, and cannot be fetched.
    pub async fn check(data_dir: Option<&Path>) -> Result<(), PostgresError> {
        let version = data_dir.and_then(|folder| fs::read_to_string(folder.join("PG_VERSION")).ok());
        Binaries::obtain(version.as_deref().map(str::trim), data_dir.unwrap_or(Path::new(""))).await.map(drop)
    }

    /// Returns the folder of its data, which is not always the requested one.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Returns the server's address.
    pub fn database(&self) -> Database {
        let mut config = tokio_postgres::Config::new();
        config.host_path(&self.socket_dir).user(SUPERUSER).dbname(SUPERUSER).connect_timeout(Duration::from_secs(10));
        config.into()
    }

    /// Shuts down: cancels what runs, closes all connections, writes everything out, and waits for the end.
    pub async fn stop(mut self) -> Result<(), PostgresError> {
        self.server.stop().await?;
        for path in self.temporary {
            // The watchdog may be faster.
            if let Err(source) = fs::remove_dir_all(&path)
                && source.kind() != io::ErrorKind::NotFound
            {
                return Err(PostgresError::Files { path, source });
            }
        }
        Ok(())
    }
}
