//! Reasons for which PostgreSQL does not run.

use std::io;
use std::path::PathBuf;

use super::fetched::FetchError;

/// Reasons for which PostgreSQL does not run.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// It is not installed, or not where we look, and could not be fetched.
    #[error(
        "PostgreSQL was not found in PATH or the usual places, and could not be fetched: {0}. Install npm, or Python with pip, \
         and it is fetched; or install PostgreSQL (Debian and Ubuntu: `apt install postgresql`; Fedora: `dnf install \
         postgresql-server`; macOS: `brew install postgresql`); or name a running server with `--database-url`"
    )]
    NotInstalled(FetchError),
    /// A binary does not start.
    #[error("{} cannot be run: {source}", .program.display())]
    Run {
        /// Path of the binary.
        program: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The data was written by a version that is not installed and cannot be fetched.
    #[error(
        "{} holds data of PostgreSQL {found}, but only {available} is available. Install that version, or move the folder \
         away",
        .folder.display()
    )]
    OtherVersion {
        /// The data folder with that data.
        folder: PathBuf,
        /// Major version of the data.
        found: String,
        /// Major versions that are installed or can be fetched.
        available: String,
    },
    /// The folder is something else's.
    #[error("{} is not empty and holds no PostgreSQL data", .0.display())]
    NotADataFolder(PathBuf),
    /// The folder that was to take the place of an unreachable one is not ours.
    #[error("{} belongs to another user", .0.display())]
    ForeignFolder(PathBuf),
    /// PostgreSQL does not run as root, and there is no user to run it as.
    #[error("PostgreSQL does not run as root, and /etc/passwd has neither a user `postgres` nor a user `nobody`")]
    NoAccount,
    /// `initdb` or `pg_ctl` failed.
    #[error("{program} failed: {output}")]
    Tool {
        /// Name of the program.
        program: &'static str,
        /// Output of the program.
        output: String,
    },
    /// The server ended, or did not answer in time.
    #[error("PostgreSQL did not start: {0}")]
    Start(String),
    /// Files could not be made, moved or read.
    #[error("{}: {source}", .path.display())]
    Files {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}
