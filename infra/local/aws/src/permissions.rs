//! Permissions, as IAM names them, and files that list them.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// An action on a resource that a policy has to allow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Permission {
    /// IAM action, for example `dynamodb:Query`.
    pub action: String,
    /// ARN of the resource; `*` where an action has none.
    pub resource: String,
}

impl Permission {
    /// An action on a resource.
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into() }
    }
}

/// A file with permissions of functions: a JSON object a line, each once.
#[derive(Debug)]
pub struct PermissionLog {
    path: PathBuf,
    /// `None` before the first line, where the file is to exist only with one.
    file: Mutex<Option<File>>,
    seen: Mutex<HashSet<(String, Permission)>>,
}

#[derive(Serialize)]
struct Line<'a> {
    function: &'a str,
    #[serde(flatten)]
    permission: &'a Permission,
}

impl PermissionLog {
    /// Appends to a file, which several clouds may share.
    pub fn append_to(path: &Path) -> io::Result<Self> {
        let log = Self::create_later(path);
        *log.file.lock().unwrap_or_else(PoisonError::into_inner) = Some(open(path)?);
        Ok(log)
    }

    /// The same, but the file is made only once there is something to append.
    pub fn create_later(path: &Path) -> Self {
        Self { path: path.to_owned(), file: Mutex::default(), seen: Mutex::default() }
    }

    /// Records a permission of a function.
    pub(crate) fn record(&self, function: &str, permission: &Permission) {
        // Connections come and go; the list would grow with them.
        let permission = match permission.resource.split_once("/@connections/") {
            Some((api, _)) => &Permission::new(&permission.action, format!("{api}/@connections/*")),
            None => permission,
        };
        if !self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert((function.to_owned(), permission.clone())) {
            return;
        }
        let line = serde_json::to_string(&Line { function, permission }).unwrap_or_default();
        if let Err(error) = self.append(&format!("{line}\n")) {
            tracing::warn!(function, %error, "a permission was not recorded");
        }
    }

    /// One write a line, so that the lines of several processes do not mix.
    fn append(&self, line: &str) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut *file {
            Some(file) => file,
            absent => absent.insert(open(&self.path)?),
        };
        file.write_all(line.as_bytes())
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}
