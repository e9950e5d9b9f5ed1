//! The system user that runs the server: PostgreSQL refuses to run as root.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::{fs, io};

use tempfile::TempDir;
use tokio::process::Command;
use uuid::Uuid;

use super::error::PostgresError;

/// Folder for data whose own folder that user cannot reach. Kept over restarts of the machine, unlike `/tmp`.
const REACHABLE: &str = "/var/tmp";

/// The user that the server runs as.
#[derive(Debug, Clone, Copy)]
pub(super) enum Account {
    /// The one that runs us.
    Ours,
    /// We are root; this one is not.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// Ours, unless that is root. Data that exists already stays with its owner.
    pub(super) fn for_server(data_dir: Option<&Path>) -> Result<Self, PostgresError> {
        if !is_root()? {
            return Ok(Self::Ours);
        }
        if let Some(owner) = data_dir.and_then(|folder| fs::metadata(folder.join("PG_VERSION")).ok())
            && owner.uid() != 0
        {
            return Ok(Self::Other { uid: owner.uid(), gid: owner.gid() });
        }
        let path = Path::new("/etc/passwd");
        let passwd = fs::read_to_string(path).map_err(|source| files(path, source))?;
        let user = |name| passwd.lines().find_map(|line| ids(line, name));
        let (uid, gid) = user("postgres").or_else(|| user("nobody")).ok_or(PostgresError::NoAccount)?;
        Ok(Self::Other { uid, gid })
    }

    /// Makes `command` run as this account, and in a folder that the account can reach.
    pub(super) fn apply(self, command: &mut Command) {
        command.current_dir("/");
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    /// Makes `folder` the account's own.
    pub(super) fn take_over(self, folder: &Path) -> Result<(), PostgresError> {
        match self {
            Self::Ours => Ok(()),
            Self::Other { uid, gid } => chown(folder, Some(uid), Some(gid)).map_err(|source| files(folder, source)),
        }
    }

    /// A fresh folder that only the account can enter.
    pub(super) fn temporary_folder(self) -> Result<TempDir, PostgresError> {
        let parent = match self {
            Self::Ours => std::env::temp_dir(),
            // Ours may be a private one.
            Self::Other { .. } => PathBuf::from("/tmp"),
        };
        let folder = tempfile::Builder::new()
            .prefix("postgres-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(&parent)
            .map_err(|source| files(&parent, source))?;
        self.take_over(folder.path())?;
        Ok(folder)
    }

    /// `folder`, absolute, if the account can get there; else one that stands in for it.
    pub(super) fn reachable(self, folder: &Path) -> Result<PathBuf, PostgresError> {
        let folder = std::path::absolute(folder).map_err(|source| files(folder, source))?;
        let Self::Other { uid, gid } = self else {
            return Ok(folder);
        };
        let closed = folder.ancestors().skip(1).filter_map(|parent| fs::metadata(parent).ok()).any(|parent| {
            let needed = match () {
                () if parent.uid() == uid => 0o100,
                () if parent.gid() == gid => 0o010,
                () => 0o001,
            };
            parent.mode() & needed == 0
        });
        if !closed {
            return Ok(folder);
        }
        let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, folder.as_os_str().as_encoded_bytes());
        let replacement = Path::new(REACHABLE).join(format!("postgres-{name}"));
        // Anyone can make folders there.
        if let Ok(existing) = fs::symlink_metadata(&replacement)
            && (!existing.is_dir() || existing.uid() != uid)
        {
            return Err(PostgresError::ForeignFolder(replacement));
        }
        tracing::warn!(
            wanted = %folder.display(),
            used = %replacement.display(),
            "PostgreSQL cannot run as root, and its user cannot reach the data folder: another folder is used"
        );
        Ok(replacement)
    }
}

/// Root owns what root makes. There is no safe call for "who am I" in the standard library.
pub(super) fn is_root() -> Result<bool, PostgresError> {
    let probe = tempfile::tempfile().and_then(|file| file.metadata());
    probe.map(|probe| probe.uid() == 0).map_err(|source| files(&std::env::temp_dir(), source))
}

/// Third and fourth field of a line of `/etc/passwd`.
fn ids(line: &str, name: &str) -> Option<(u32, u32)> {
    let mut fields = line.split(':');
    if fields.next()? != name {
        return None;
    }
    let uid = fields.nth(1)?.parse().ok()?;
    Some((uid, fields.next()?.parse().ok()?))
}

pub(super) fn files(path: &Path, source: io::Error) -> PostgresError {
    PostgresError::Files { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::ids;

    #[test]
    fn a_line_of_passwd_gives_the_ids_of_its_user_only() {
        let line = "postgres:x:104:110:PostgreSQL administrator:/var/lib/postgresql:/bin/bash";
        assert_eq!(ids(line, "postgres"), Some((104, 110)));
        assert_eq!(ids(line, "post"), None);
        assert_eq!(ids("postgres:x::110", "postgres"), None);
    }
}
