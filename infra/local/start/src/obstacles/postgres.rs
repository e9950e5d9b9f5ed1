//! PostgreSQL's programs: installed, fetched before, or about to be fetched by a package manager.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// Places of PostgreSQL's programs besides `PATH`; a `*` is any folder.
const PLACES: [&str; 9] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/*/bin",
    "/opt/homebrew/opt/*/bin",
    "/usr/local/opt/*/bin",
    "/Library/PostgreSQL/*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",
    "/usr/libexec/postgresql",
    "/opt/homebrew/bin",
];

/// Folder of fetched programs, below one of the cache folders.
const CACHED: &str = "local-cloud";

/// Returns true if the local cloud will have PostgreSQL's programs.
pub(super) fn is_available() -> bool {
    is_installed() || is_cached() || runs("npm", &["--version"]) || runs("python3", &["-m", "pip", "--version"])
}

fn is_installed() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = PLACES.iter().flat_map(|place| match place.split_once("/*/") {
        None => vec![PathBuf::from(place)],
        Some((parent, below)) => folders(Path::new(parent)).map(|folder| folder.join(below)).collect(),
    });
    env::split_paths(&path).chain(places).any(|folder: PathBuf| folder.join("postgres").is_file())
}

/// A root has another folder than a user; either will do here.
fn is_cached() -> bool {
    let below = |variable, folder| env::var_os(variable).map(|parent| Path::new(&parent).join(folder));
    let parents = [
        below("XDG_CACHE_HOME", ""),
        below("HOME", ".cache"),
        below("HOME", "Library/Caches"),
        Some(PathBuf::from("/var/cache")),
    ];
    let is_programs = |folder: PathBuf| {
        folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("postgresql-"))
    };
    parents.into_iter().flatten().any(|parent| folders(&parent.join(CACHED)).any(is_programs))
}

fn folders(parent: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
