//! Links by which functions call the program that they share: a process then has the name of its function, for the program as
//! for the system.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::{fs, os};

/// Folder of the links, beside the program.
const FOLDER: &str = "functions";

/// Returns the link `name` to `program`, which it makes unless it is there. Links to a file that a build replaces lead to the new
/// one.
///
/// # Errors
/// The folder or the link cannot be made; the error has its path.
pub(super) fn make(program: &Path, name: &str) -> Result<PathBuf, (PathBuf, io::Error)> {
    let folder = program.with_file_name(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| (folder.clone(), error))?;
    let link = folder.join(name);
    let leads_there = || fs::read_link(&link).is_ok_and(|target| target == program);
    if leads_there() {
        return Ok(link);
    }
    // To an earlier program, or none.
    let made = match fs::remove_file(&link) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => os::unix::fs::symlink(program, &link),
    };
    match made {
        // Another local cloud has made it meanwhile.
        Err(error) if error.kind() != ErrorKind::AlreadyExists || !leads_there() => Err((link, error)),
        _ => Ok(link),
    }
}
