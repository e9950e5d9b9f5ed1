//! The bytes of files, in one bucket that clients access only with signed requests.
//!
//! | key | |
//! |---|---|
//! | `uploads/<file>` | the upload of its owner; its creation invokes `file-inspect` |
//! | `thumbnails/<file>/<pixels>` | a thumbnail of it |
//! | `avatars/<user>` | the picture of a user |
//!
//! Keys hold ids and nothing that a user wrote. The signature of an upload binds one length, content type and SHA-256, so that
//! a repeated upload writes the same bytes. S3 also keeps headers that nobody signed (`cache-control`, `content-disposition`,
//! `content-encoding`, `content-language`, `expires`); a download's URL replaces each of them.

mod avatars;
mod digest;
mod download;
mod parts;
mod upload;

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, Delete, ObjectIdentifier};
use domain::FileId;
use domain::file::ThumbnailSize;

use crate::StoreError;

pub use parts::Joined;

/// Key prefix of uploads; the id of the file follows.
const UPLOADS: &str = "uploads/";

/// Returns the file whose upload has this key; `None` if it is not the key of an upload.
pub fn uploaded_file(key: &str) -> Option<FileId> {
    let file = key.strip_prefix(UPLOADS)?.parse().ok()?;
    // A UUID has several spellings, a file has one key.
    (upload_key(file) == key).then_some(file)
}

fn upload_key(file: FileId) -> String {
    format!("{UPLOADS}{file}")
}

fn thumbnail_key(file: FileId, size: ThumbnailSize) -> String {
    format!("thumbnails/{file}/{}", size.pixels())
}

/// S3's metadata of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Size of the upload, in bytes.
    pub size: u64,
    /// SHA-256 in base64: of all bytes, or, with the number of parts behind a dash, of the checksums of the parts.
    pub sha256: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Objects {
    client: Client,
    bucket: String,
}

impl Objects {
    /// The bucket with this name.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Returns the metadata of an upload; `None` if there is none.
    pub async fn head(&self, file: FileId) -> Result<Option<Uploaded>, StoreError> {
        let head = self.client.head_object().bucket(&self.bucket).key(upload_key(file));
        match head.checksum_mode(ChecksumMode::Enabled).send().await {
            Ok(head) => {
                let size = head.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or_default();
                Ok(Some(Uploaded { size, sha256: head.checksum_sha256 }))
            }
            Err(error) if matches!(error.as_service_error(), Some(HeadObjectError::NotFound(_))) => Ok(None),
            Err(error) => Err(s3(error)),
        }
    }

    /// Returns the first `most` bytes of an upload, or all of them if there are fewer; `None` if it was deleted.
    pub async fn first_bytes(&self, file: FileId, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.bytes(file, 0, most).await
    }

    /// Returns up to `most` bytes of an upload from `first` on; `None` if it was deleted. The upload has more bytes than `first`.
    pub async fn bytes(&self, file: FileId, first: u64, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let get = self.client.get_object().bucket(&self.bucket).key(upload_key(file));
        let last = first + most.saturating_sub(1);
        let got = match get.range(format!("bytes={first}-{last}")).send().await {
            Ok(got) => got,
            Err(error) if matches!(error.as_service_error(), Some(GetObjectError::NoSuchKey(_))) => return Ok(None),
            Err(error) => return Err(s3(error)),
        };
        let bytes =
            got.body.collect().await.map_err(|error| StoreError::Busy { service: "S3", source: Box::new(error) })?;
        Ok(Some(bytes.to_vec()))
    }

    /// Writes a thumbnail. Safe to repeat.
    pub async fn put_thumbnail(
        &self,
        file: FileId,
        size: ThumbnailSize,
        content_type: &str,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        let put = self.client.put_object().bucket(&self.bucket).key(thumbnail_key(file, size));
        put.content_type(content_type).body(ByteStream::from(bytes)).send().await.map(drop).map_err(s3)
    }

    /// Removes the upload and its thumbnails, as far as they exist.
    pub async fn remove(&self, file: FileId) -> Result<(), StoreError> {
        let keys = ThumbnailSize::ALL.map(|size| thumbnail_key(file, size)).into_iter().chain([upload_key(file)]);
        let objects = keys.map(|key| ObjectIdentifier::builder().key(key).build()).collect::<Result<Vec<_>, _>>();
        let delete = objects.and_then(|objects| Delete::builder().set_objects(Some(objects)).quiet(true).build());
        let delete = delete.map_err(|error| StoreError::Service { service: "S3", source: Box::new(error) })?;
        let removed = self.client.delete_objects().bucket(&self.bucket).delete(delete).send().await.map_err(s3)?;
        match removed.errors().first() {
            None => Ok(()),
            // The request succeeded, and this object was not deleted.
            Some(error) => {
                let code = error.code().unwrap_or("no code").to_owned();
                Err(StoreError::Busy { service: "S3", source: code.into() })
            }
        }
    }
}

/// Returns the configuration of a signature that is valid for so long.
fn good_for(lifetime: Duration) -> Result<PresigningConfig, StoreError> {
    PresigningConfig::expires_in(lifetime)
        .map_err(|error| StoreError::Service { service: "S3", source: Box::new(error) })
}

fn s3<E>(error: SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    StoreError::aws("S3", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_upload_keys_are_parsed_as_uploads() {
        let file = FileId::generate();
        assert_eq!(uploaded_file(&upload_key(file)), Some(file));
        for other in [
            format!("uploads/{}", file.to_string().to_uppercase()),
            format!("uploads/{file}/x"),
            thumbnail_key(file, ThumbnailSize::Small),
            "uploads/x".to_owned(),
        ] {
            assert_eq!(uploaded_file(&other), None, "{other}");
        }
    }
}
