//! Search for PostgreSQL's programs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::PostgresError;
use super::fetched::{self, FetchError};

/// Folders with one folder a version in them, and the programs below that.
const VERSIONED: [(&str, &str); 6] = [
    ("/usr/lib/postgresql", "bin"),
    ("/usr", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
    ("/Library/PostgreSQL", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "bin"),
];
const FIXED: [&str; 3] = ["/usr/local/pgsql/bin", "/usr/libexec/postgresql", "/opt/homebrew/bin"];

/// The programs of one installation.
#[derive(Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// The installed ones, else those of a package, which is fetched. With `version`, of that major version.
    pub(super) async fn obtain(version: Option<&str>, data_dir: &Path) -> Result<Self, PostgresError> {
        let installed = match Self::installed(version)? {
            Ok(found) => return Ok(found),
            Err(installed) => installed,
        };
        let wanted = version.map(str::to_owned);
        // A panic of the fetching thread is one of ours.
        let fetched = tokio::task::spawn_blocking(move || fetched::programs(wanted.as_deref())).await;
        match (fetched.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())), version) {
            (Ok(folder), _) => Ok(Self { folder }),
            (Err(FetchError::NoPackage(packages)), Some(found)) => {
                let folder = data_dir.to_owned();
                let available = [installed, packages].concat().join(", ");
                Err(PostgresError::OtherVersion { folder, found: found.to_owned(), available })
            }
            (Err(reason), _) => Err(PostgresError::NotInstalled(reason)),
        }
    }

    /// The first in `PATH`, else the highest version of the usual places. With `version`, the first of that major version; where
    /// there is none, the major versions that are installed.
    fn installed(version: Option<&str>) -> Result<Result<Self, Vec<String>>, PostgresError> {
        let mut installed = Vec::new();
        for folder in candidates() {
            let found = major_version(&folder)?;
            if version.is_none_or(|wanted| wanted == found) {
                return Ok(Ok(Self { folder }));
            }
            if !installed.contains(&found) {
                installed.push(found);
            }
        }
        Ok(Err(installed))
    }

    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }
}

fn candidates() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = env::split_paths(&path).collect();
    let versioned = VERSIONED.into_iter().flat_map(|(parent, below)| {
        let mut versions: Vec<(u32, PathBuf)> = Path::new(parent)
            .read_dir()
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                let name = name.to_str()?;
                let version = name.strip_prefix("postgresql@").or(name.strip_prefix("pgsql-")).unwrap_or(name);
                Some((version.parse().ok()?, entry.path().join(below)))
            })
            .collect();
        versions.sort();
        versions.into_iter().rev().map(|(_, folder)| folder)
    });
    in_path
        .into_iter()
        .chain(versioned)
        .chain(FIXED.into_iter().map(PathBuf::from))
        // A distribution links programs into PATH one by one, and not always all of them.
        .filter_map(|folder| folder.join("postgres").canonicalize().ok()?.parent().map(Path::to_owned))
        .filter(|folder| ["initdb", "pg_ctl"].iter().all(|program| folder.join(program).is_file()))
}

/// `15` of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_version(folder: &Path) -> Result<String, PostgresError> {
    let program = folder.join("postgres");
    let output = Command::new(&program).arg("--version").output();
    let output = output.map_err(|source| PostgresError::Run { program, source })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    let digits = |word: &str| word.chars().take_while(char::is_ascii_digit).collect();
    Ok(version.map(digits).unwrap_or_default())
}
