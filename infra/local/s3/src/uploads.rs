//! Metadata of multipart uploads that the storage does not keep: their algorithm, and the size, entity tag and checksum of each
//! part. It is kept in files beside the buckets, for uploads that outlive the local cloud.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::{S3Error, S3Result, s3_error};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::checksum::Algorithm;

/// The folder. No bucket can have its name.
const FOLDER: &str = ".uploads";

#[derive(Debug, Clone)]
pub(super) struct Uploads {
    folder: PathBuf,
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
}

impl Uploads {
    pub(super) fn new(buckets: &std::path::Path) -> Self {
        Self { folder: buckets.join(FOLDER) }
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

    /// Ids come from clients, and only the storage's own lead anywhere.
    fn upload(&self, id: &str) -> S3Result<PathBuf> {
        let id = Uuid::parse_str(id).map_err(|_| no_such_upload())?;
        Ok(self.folder.join(id.to_string()))
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

async fn read<T: DeserializeOwned>(file: PathBuf) -> S3Result<Option<T>> {
    match tokio::fs::read(file).await {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(S3Error::internal_error),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(S3Error::internal_error(error)),
    }
}

fn no_such_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )
}
