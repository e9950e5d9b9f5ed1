//! Metadata of multipart uploads that the storage does not keep: their algorithm, and the size, entity tag and checksum of each
//! part. It is kept in files beside the buckets, for uploads that outlive the local cloud.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::{S3Error, S3Result, s3_error};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use uuid::Uuid;

use super::checksum::Algorithm;

/// The folder. No bucket can have its name.
const FOLDER: &str = ".uploads";

#[derive(Debug, Clone)]
pub(super) struct Uploads {
    folder: PathBuf,
    locks: Locks,
}

/// An upload as it was begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Upload {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) algorithm: Option<Algorithm>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) size: u64,
    pub(super) e_tag: String,
    pub(super) checksum: Option<(Algorithm, String)>,
    pub(super) written: OffsetDateTime,
}

/// The checksum, made of its parts' checksums, of an object that was uploaded in parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Completed {
    /// Of the object whose checksum it is: another one may have taken its place.
    pub(super) e_tag: String,
    pub(super) checksum: Option<(Algorithm, String)>,
    /// The upload that became the object, and the entity tags of its parts: the same request again has the same answer.
    #[serde(default)]
    pub(super) upload: Option<(Uuid, Vec<String>)>,
}

impl Uploads {
    pub(super) fn new(buckets: &std::path::Path) -> Self {
        Self { folder: buckets.join(FOLDER), locks: Locks::default() }
    }

    pub(super) async fn begin(&self, id: &str, upload: &Upload) -> S3Result<()> {
        self.write(self.upload(id)?.join("upload.json"), upload).await
    }

    /// The upload of that id, if it is of that object.
    pub(super) async fn find(&self, id: &str, bucket: &str, key: &str) -> S3Result<Upload> {
        let found: Option<Upload> = match self.upload(id) {
            Ok(folder) => read(folder.join("upload.json")).await?,
            Err(_) => None,
        };
        found.filter(|upload| upload.bucket == bucket && upload.key == key).ok_or_else(no_such_upload)
    }

    /// Waits until no other request ends the upload of that id, and keeps it from ending for as long as the guard lives.
    pub(super) async fn open(&self, id: &str) -> S3Result<OwnedRwLockReadGuard<()>> {
        Ok(self.locks.of(uuid(id)?).read_owned().await)
    }

    /// Waits until no other request works on the upload of that id, and keeps others from it for as long as the guard lives.
    pub(super) async fn alone(&self, id: &str) -> S3Result<OwnedRwLockWriteGuard<()>> {
        Ok(self.locks.of(uuid(id)?).write_owned().await)
    }

    /// The object that an upload became, if these are its parts.
    pub(super) async fn became(&self, id: &str, bucket: &str, key: &str, e_tags: &[String]) -> S3Result<Completed> {
        let completed: Option<Completed> = read(self.completed_file(bucket, key)).await?;
        let wanted = (uuid(id)?, e_tags);
        let is_it =
            |completed: &Completed| completed.upload.as_ref().is_some_and(|(id, parts)| (*id, &**parts) == wanted);
        completed.filter(is_it).ok_or_else(no_such_upload)
    }

    pub(super) async fn put_part(&self, id: &str, number: i32, part: &Part) -> S3Result<()> {
        self.write(self.upload(id)?.join(format!("{number}.json")), part).await
    }

    /// The parts by number.
    pub(super) async fn parts(&self, id: &str) -> S3Result<BTreeMap<i32, Part>> {
        let mut parts = BTreeMap::new();
        let mut files = tokio::fs::read_dir(self.upload(id)?).await.map_err(S3Error::internal_error)?;
        while let Some(file) = files.next_entry().await.map_err(S3Error::internal_error)? {
            let number = file.path().file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            if let Some(number) = number
                && let Some(part) = read(file.path()).await?
            {
                parts.insert(number, part);
            }
        }
        Ok(parts)
    }

    /// Forgets an upload that is over.
    pub(super) async fn end(&self, id: &str) -> S3Result<()> {
        match tokio::fs::remove_dir_all(self.upload(id)?).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(S3Error::internal_error(error)),
            _ => Ok(()),
        }
    }

    pub(super) async fn complete(&self, bucket: &str, key: &str, completed: &Completed) -> S3Result<()> {
        self.write(self.completed_file(bucket, key), completed).await
    }

    pub(super) async fn completed(&self, bucket: &str, key: &str, e_tag: &str) -> S3Result<Option<Completed>> {
        let completed: Option<Completed> = read(self.completed_file(bucket, key)).await?;
        Ok(completed.filter(|completed| completed.e_tag == e_tag))
    }

    fn upload(&self, id: &str) -> S3Result<PathBuf> {
        Ok(self.folder.join(uuid(id)?.to_string()))
    }

    fn completed_file(&self, bucket: &str, key: &str) -> PathBuf {
        // A name of a file has 255 bytes at most, a key up to 1,024.
        let name = Uuid::new_v5(&Uuid::NAMESPACE_URL, key.as_bytes());
        self.folder.join(URL_SAFE_NO_PAD.encode(bucket)).join(format!("{name}.json"))
    }

    /// Replaces the file as a whole.
    async fn write(&self, file: PathBuf, value: &impl Serialize) -> S3Result<()> {
        let text = serde_json::to_vec(value).map_err(S3Error::internal_error)?;
        let partial = file.with_extension(format!("{}.partial", Uuid::new_v4()));
        let write = async {
            tokio::fs::create_dir_all(file.parent().unwrap_or(&self.folder)).await?;
            tokio::fs::write(&partial, text).await?;
            tokio::fs::rename(&partial, &file).await
        };
        write.await.map_err(S3Error::internal_error)
    }
}

/// A lock for each upload that requests work on.
#[derive(Debug, Clone, Default)]
struct Locks(Arc<Mutex<HashMap<Uuid, Weak<RwLock<()>>>>>);

impl Locks {
    fn of(&self, id: Uuid) -> Arc<RwLock<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(&id).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        locks.insert(id, Arc::downgrade(&lock));
        lock
    }
}

/// Ids come from clients, and only the storage's own lead anywhere.
pub(super) fn uuid(id: &str) -> S3Result<Uuid> {
    Uuid::parse_str(id).map_err(|_| no_such_upload())
}

async fn read<T: DeserializeOwned>(file: PathBuf) -> S3Result<Option<T>> {
    match tokio::fs::read(file).await {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(S3Error::internal_error),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(S3Error::internal_error(error)),
    }
}

pub(super) fn no_such_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )
}
