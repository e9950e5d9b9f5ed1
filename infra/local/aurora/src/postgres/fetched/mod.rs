//! PostgreSQL's server programs from a package registry, for machines on which PostgreSQL is not installed.
//!
//! `postgres-packages.json` pins the packages: exact versions with the hashes of their archives. npm or pip downloads one into the
//! user's cache folder, once; nothing of it runs before its hash has been verified.

mod manager;
#[cfg(test)]
mod tests;

use std::env::{self, consts};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::account;
use manager::{Manager, Tools};

/// The packages by platform, each with its version and hash.
const PACKAGES: &str = include_str!("../../../postgres-packages.json");

/// Folder of the caches of a root, whose own folder the server's user cannot enter.
const CACHE_OF_ROOT: &str = "/var/cache";

/// Reasons for which PostgreSQL cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No package for this machine has the wanted major version. Has the major versions that packages have.
    #[error("there is no package of it for {}-{}", consts::OS, consts::ARCH)]
    NoPackage(Vec<String>),
    /// No package manager brought one.
    #[error("{}", .0.join("; "))]
    NotDownloaded(Vec<String>),
    /// The archive is not the pinned one.
    #[error("the archive of {package} has the SHA-256 {found}, not {expected}: it was not used")]
    OtherArchive {
        /// Name and version of the package.
        package: String,
        /// The hash that the pins have for the package.
        expected: String,
        /// Hash of the archive that came.
        found: String,
    },
    /// Files could not be made, moved or read.
    #[error("{}: {source}", .path.display())]
    Files {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

/// A package of PostgreSQL's programs for one platform, by its version and hash.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    manager: Manager,
    /// Operating system and architecture, as the standard library names them.
    platform: String,
    name: String,
    version: String,
    /// Hash of the archive, in hexadecimal digits.
    sha256: String,
    /// Folder of the programs in the unpacked archive.
    programs: String,
}

impl Package {
    fn major(&self) -> &str {
        self.version.split('.').next().unwrap_or_default()
    }

    /// Name of its folder in the cache: another version or archive has another one.
    fn folder(&self) -> String {
        let hash = self.sha256.get(..12).unwrap_or(&self.sha256);
        format!("postgresql-{}-{}-{hash}", self.version, self.platform)
    }
}

/// The packages, the cache and the package managers of a machine.
#[derive(Debug)]
struct Fetcher {
    packages: Vec<Package>,
    cache: PathBuf,
    tools: Tools,
}

/// Returns the folder of PostgreSQL's programs, of a major version if one is given. Downloads them if the cache has none, which
/// blocks for seconds.
pub(super) fn programs(major: Option<&str>) -> Result<PathBuf, FetchError> {
    let all: Vec<Package> = serde_json::from_str(PACKAGES).unwrap_or_default();
    let platform = format!("{}-{}", consts::OS, consts::ARCH);
    let packages = all.into_iter().filter(|package| package.platform == platform).collect();
    Fetcher { packages, cache: cache()?, tools: Tools::default() }.programs(major)
}

impl Fetcher {
    fn programs(&self, major: Option<&str>) -> Result<PathBuf, FetchError> {
        let wanted: Vec<&Package> =
            self.packages.iter().filter(|package| major.is_none_or(|major| package.major() == major)).collect();
        if wanted.is_empty() {
            return Err(FetchError::NoPackage(
                self.packages.iter().map(|package| package.major().to_owned()).collect(),
            ));
        }
        if let Some(found) = self.cached(&wanted) {
            return Ok(found);
        }
        fs::create_dir_all(&self.cache).map_err(|source| files(&self.cache, source))?;
        // Another process may be at it: it downloads for both.
        let lock = self.cache.join("lock");
        let _held =
            File::create(&lock).and_then(|file| file.lock().map(|()| file)).map_err(|source| files(&lock, source))?;
        if let Some(found) = self.cached(&wanted) {
            return Ok(found);
        }
        let mut reasons = Vec::new();
        for package in wanted {
            match self.fetch(package) {
                Ok(()) => return Ok(self.cache.join(package.folder()).join(&package.programs)),
                Err(FetchError::NotDownloaded(more)) => reasons.extend(more),
                Err(other) => return Err(other),
            }
        }
        Err(FetchError::NotDownloaded(reasons))
    }

    fn cached(&self, wanted: &[&Package]) -> Option<PathBuf> {
        let mut folders = wanted.iter().map(|package| self.cache.join(package.folder()).join(&package.programs));
        folders.find(|folder| folder.join("postgres").is_file())
    }

    /// Downloads, verifies and unpacks a package beside its place, then moves it there: what has the name is complete.
    fn fetch(&self, package: &Package) -> Result<(), FetchError> {
        let made = tempfile::Builder::new().prefix(".unfinished-").tempdir_in(&self.cache);
        let work = made.map_err(|source| files(&self.cache, source))?;
        let (download, unpacked) = (work.path().join("download"), work.path().join("unpacked"));
        for folder in [&download, &unpacked] {
            fs::create_dir(folder).map_err(|source| files(folder, source))?;
        }
        let archive = self.tools.download(package.manager, &package.name, &package.version, &download, &|| {
            say(&format!(
                "PostgreSQL is not installed: fetching {} with {} into {}, once",
                package.version,
                package.manager,
                self.cache.display()
            ));
        });
        let archive = archive.map_err(|reason| FetchError::NotDownloaded(vec![reason]))?;
        let found = hash_of(&archive)?;
        if found != package.sha256 {
            let name = format!("{} {}", package.name, package.version);
            return Err(FetchError::OtherArchive { package: name, expected: package.sha256.clone(), found });
        }
        let done = self.tools.unpack(package.manager, &archive, &unpacked);
        done.map_err(|reason| FetchError::NotDownloaded(vec![reason]))?;
        make_executable(&unpacked.join(&package.programs))?;
        // The server may run as another user.
        fs::set_permissions(&unpacked, fs::Permissions::from_mode(0o755)).map_err(|source| files(&unpacked, source))?;
        let place = self.cache.join(package.folder());
        fs::rename(&unpacked, &place).map_err(|source| files(&place, source))
    }
}

/// Wheels have no executable files.
fn make_executable(folder: &Path) -> Result<(), FetchError> {
    for entry in folder.read_dir().map_err(|source| files(folder, source))?.flatten() {
        let path = entry.path();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(|source| files(&path, source))?;
    }
    Ok(())
}

fn hash_of(file: &Path) -> Result<String, FetchError> {
    let mut hash = Sha256::new();
    let copied = File::open(file).and_then(|mut archive| io::copy(&mut archive, &mut hash));
    copied.map_err(|source| files(file, source))?;
    Ok(format!("{:x}", hash.finalize()))
}

/// The cache folder of the user: `XDG_CACHE_HOME`, or where the operating system has it.
fn cache() -> Result<PathBuf, FetchError> {
    let set = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let is_root = account::is_root().map_err(|error| FetchError::NotDownloaded(vec![error.to_string()]))?;
    let parent = match set("XDG_CACHE_HOME") {
        Some(folder) => folder,
        None if is_root => PathBuf::from(CACHE_OF_ROOT),
        None => set("HOME").map_or_else(env::temp_dir, |home| {
            home.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" })
        }),
    };
    Ok(parent.join("local-cloud"))
}

/// Written past the log, which tests do not have: a download that nobody expects takes seconds.
fn say(sentence: &str) {
    // Nobody is there to read it.
    let _ = writeln!(io::stderr(), "{sentence}");
}

fn files(path: &Path, source: io::Error) -> FetchError {
    FetchError::Files { path: path.to_owned(), source }
}
