//! Package managers as downloaders: no script of a package runs.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

/// A package manager that can fetch PostgreSQL's programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Manager {
    Npm,
    Pip,
}

impl fmt::Display for Manager {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Npm => "npm",
            Self::Pip => "pip",
        })
    }
}

/// Programs that download and unpack.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    pub(super) npm: PathBuf,
    pub(super) python: PathBuf,
}

impl Default for Tools {
    fn default() -> Self {
        Self { npm: PathBuf::from("npm"), python: PathBuf::from("python3") }
    }
}

/// A symbolic link of an npm package, which cannot hold links itself.
#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

impl Tools {
    /// Downloads a package's archive into an empty folder. Calls `begin` once it is known that the manager is there.
    ///
    /// # Errors
    /// A reason with the manager's name.
    pub(super) fn download(
        &self,
        manager: Manager,
        name: &str,
        version: &str,
        folder: &Path,
        begin: &dyn Fn(),
    ) -> Result<PathBuf, String> {
        let (mut present, mut download) = match manager {
            Manager::Npm => (Command::new(&self.npm), Command::new(&self.npm)),
            Manager::Pip => (self.pip(), self.pip()),
        };
        run(present.arg("--version").current_dir(folder)).map_err(|_| format!("{manager} is not installed"))?;
        begin();
        match manager {
            Manager::Npm => {
                download.args(["pack", "--ignore-scripts", "--silent", "--pack-destination"]).arg(folder);
                download.arg(format!("{name}@{version}"));
            }
            Manager::Pip => {
                download.args([
                    "download",
                    "--no-deps",
                    "--only-binary=:all:",
                    "--disable-pip-version-check",
                    "--quiet",
                ]);
                download.arg("--dest").arg(folder).arg(format!("{name}=={version}"));
            }
        }
        run(download.current_dir(folder)).map_err(|error| format!("{manager} cannot download it: {error}"))?;
        let mut entries = folder.read_dir().map_err(|error| error.to_string())?.flatten();
        entries.next().map(|entry| entry.path()).ok_or_else(|| format!("{manager} downloaded nothing"))
    }

    /// Unpacks an archive into a folder.
    ///
    /// # Errors
    /// A reason with the manager's name.
    pub(super) fn unpack(&self, manager: Manager, archive: &Path, folder: &Path) -> Result<(), String> {
        let mut unpack = match manager {
            Manager::Npm => {
                let mut tar = Command::new("tar");
                // As the user who unpacks, whoever packed it.
                tar.arg("-xzof").arg(archive).arg("-C").arg(folder);
                tar
            }
            Manager::Pip => {
                let mut zip = Command::new(&self.python);
                zip.args(["-m", "zipfile", "-e"]).arg(archive).arg(folder);
                zip
            }
        };
        run(&mut unpack).map_err(|error| format!("the archive of {manager} cannot be unpacked: {error}"))?;
        if manager == Manager::Npm {
            make_links(&folder.join("package"))
                .map_err(|error| format!("the links of {manager}'s package: {error}"))?;
        }
        Ok(())
    }

    fn pip(&self) -> Command {
        let mut command = Command::new(&self.python);
        command.args(["-m", "pip"]);
        command
    }
}

/// Makes the links that the package's own script would make.
fn make_links(package: &Path) -> io::Result<()> {
    let list = match fs::read(package.join("native/pg-symlinks.json")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        list => list?,
    };
    for Link { source, target } in serde_json::from_slice::<Vec<Link>>(&list)? {
        let same_folder = source.parent() == target.parent() && !target.starts_with("..");
        let name = source.file_name().filter(|_| same_folder && target.is_relative());
        symlink(name.ok_or(io::ErrorKind::InvalidData)?, package.join(&target))?;
    }
    Ok(())
}

/// Runs a command to its end; an error has the last line that it said.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    Err(last.map_or_else(|| output.status.to_string(), |line| line.trim().to_owned()))
}
