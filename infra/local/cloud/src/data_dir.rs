//! The folder that keeps a cloud's data from one run to the next.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::StartError;

/// The folder, locked for as long as this lives: two clouds on the same data would damage it.
#[derive(Debug)]
pub(crate) struct DataDir {
    folder: PathBuf,
    /// The operating system releases the lock when the process ends, however it ends.
    _lock: File,
}

impl DataDir {
    /// Makes the folder where it does not exist, and locks it.
    pub(crate) fn open(folder: &Path) -> Result<Self, StartError> {
        let unusable = |source| StartError::DataDir { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(unusable)?;
        let folder = std::path::absolute(folder).map_err(unusable)?;
        let lock = File::create(folder.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StartError::DataDirInUse { folder }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn dynamodb(&self) -> PathBuf {
        self.folder.join("dynamodb")
    }

    /// The folder of the files that say how far functions have read the tables' streams.
    pub(crate) fn streams(&self) -> PathBuf {
        self.folder.join("streams")
    }

    /// The folder of the events of asynchronous invocations that are not done.
    pub(crate) fn events(&self) -> PathBuf {
        self.folder.join("events")
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    pub(crate) fn s3(&self) -> PathBuf {
        self.folder.join("s3")
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.folder.join("secrets.json")
    }

    pub(crate) fn sqs(&self) -> PathBuf {
        self.folder.join("sqs.journal")
    }

    pub(crate) fn schedules(&self) -> PathBuf {
        self.folder.join("schedules.sqlite")
    }

    pub(crate) fn opensearch(&self) -> PathBuf {
        self.folder.join("opensearch")
    }

    pub(crate) fn ports(&self) -> PathBuf {
        self.folder.join("ports.json")
    }

    /// The seed of functions' access keys.
    pub(crate) fn access_keys(&self) -> PathBuf {
        self.folder.join("access-keys")
    }

    pub(crate) fn issuer_key(&self) -> PathBuf {
        self.folder.join("issuer-key.pem")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_cloud_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        let first = DataDir::open(&folder).unwrap();
        assert!(matches!(DataDir::open(&folder), Err(StartError::DataDirInUse { .. })));
        drop(first);
        assert!(DataDir::open(&folder).is_ok());
    }
}
