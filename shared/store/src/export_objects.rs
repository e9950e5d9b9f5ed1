//! The bucket of exports, whose objects live a day.
//!
//! | key | |
//! |---|---|
//! | `exports/<export>.zip` | a finished export |
//! | `work/<export>/<name>` | a checkpoint: the progress, and bytes that do not fill a part yet |
//!
//! Keys hold ids and nothing that a user wrote.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use domain::ExportId;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// S3's error code for an upload that was completed or aborted, or never existed.
const NO_SUCH_UPLOAD: &str = "NoSuchUpload";

/// Time limit of a request with megabytes, and of joining parts.
const TIMEOUT: Duration = Duration::from_mins(1);

const CONTENT_TYPE: &str = "application/zip";

/// A part that is uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedPart {
    pub number: i32,
    /// S3's mark of its bytes.
    pub e_tag: String,
}

/// The objects of exports.
#[derive(Clone, Debug)]
pub struct ExportObjects {
    client: Client,
    bucket: String,
}

impl ExportObjects {
    /// The bucket with this name.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Begins the upload of an export and returns S3's id of it.
    pub async fn begin(&self, export: ExportId) -> Result<String, StoreError> {
        let create = self.client.create_multipart_upload().bucket(&self.bucket).key(export_key(export));
        let upload = create.content_type(CONTENT_TYPE).send().await.map_err(s3)?.upload_id;
        upload.ok_or_else(|| StoreError::Inconsistent("an upload without an id".to_owned()))
    }

    /// Uploads a part; `None` if the upload does not exist any more. Safe to repeat.
    pub async fn put_part(
        &self,
        export: ExportId,
        upload_id: &str,
        number: i32,
        bytes: Vec<u8>,
    ) -> Result<Option<UploadedPart>, StoreError> {
        let put = self.client.upload_part().bucket(&self.bucket).key(export_key(export)).upload_id(upload_id);
        let put = put.part_number(number).body(ByteStream::from(bytes));
        match put.customize().config_override(patient()).send().await {
            Ok(put) => {
                let e_tag = put.e_tag.ok_or_else(|| StoreError::Inconsistent("a part without a mark".to_owned()))?;
                Ok(Some(UploadedPart { number, e_tag }))
            }
            Err(error) if error.code() == Some(NO_SUCH_UPLOAD) => Ok(None),
            Err(error) => Err(s3(error)),
        }
    }

    /// Joins the parts. Returns false if the upload does not exist any more. S3 compares the marks of the parts, so no other bytes become
    /// part of the object.
    pub async fn join(&self, export: ExportId, upload_id: &str, parts: &[UploadedPart]) -> Result<bool, StoreError> {
        let parts =
            parts.iter().map(|part| CompletedPart::builder().part_number(part.number).e_tag(&part.e_tag).build());
        let completed = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let complete = self.client.complete_multipart_upload().bucket(&self.bucket).key(export_key(export));
        let complete = complete.upload_id(upload_id).multipart_upload(completed);
        match complete.customize().config_override(patient()).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(NO_SUCH_UPLOAD) => Ok(false),
            Err(error) => Err(s3(error)),
        }
    }

    /// Aborts an upload and deletes its parts. Safe to repeat.
    pub async fn abort(&self, export: ExportId, upload_id: &str) -> Result<(), StoreError> {
        let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(export_key(export));
        match abort.upload_id(upload_id).send().await {
            Err(error) if error.code() == Some(NO_SUCH_UPLOAD) => Ok(()),
            result => result.map(drop).map_err(s3),
        }
    }

    /// Returns the size of a finished export; `None` if there is none.
    pub async fn size(&self, export: ExportId) -> Result<Option<u64>, StoreError> {
        match self.client.head_object().bucket(&self.bucket).key(export_key(export)).send().await {
            Ok(head) => Ok(head.content_length.and_then(|length| u64::try_from(length).ok())),
            Err(error) if matches!(error.as_service_error(), Some(HeadObjectError::NotFound(_))) => Ok(None),
            Err(error) => Err(s3(error)),
        }
    }

    /// Returns up to a thousand exports that have objects, after one, in the order of their keys, and the place at which the rest
    /// begins. The objects of a day are all that there are.
    pub async fn list(&self, after: Option<String>) -> Result<(Vec<ExportId>, Option<String>), StoreError> {
        let list = self.client.list_objects_v2().bucket(&self.bucket).set_start_after(after);
        let page = list.send().await.map_err(s3)?;
        let keys: Vec<String> = page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect();
        let mut exports: Vec<ExportId> = keys.iter().filter_map(|key| export_of(key)).collect();
        exports.dedup();
        let rest = keys.into_iter().next_back().filter(|_| page.is_truncated == Some(true));
        Ok((exports, rest))
    }

    /// Deletes a finished export, if there is one.
    pub async fn delete(&self, export: ExportId) -> Result<(), StoreError> {
        let delete = self.client.delete_object().bucket(&self.bucket).key(export_key(export));
        delete.send().await.map(drop).map_err(s3)
    }

    /// Writes a checkpoint. Its name is used once.
    pub async fn put_checkpoint(&self, export: ExportId, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let put = self.client.put_object().bucket(&self.bucket).key(work_key(export, name));
        let put = put.body(ByteStream::from(bytes)).customize().config_override(patient());
        put.send().await.map(drop).map_err(s3)
    }

    /// Reads what a step has left for the next one.
    pub async fn checkpoint(&self, export: ExportId, name: &str) -> Result<Vec<u8>, StoreError> {
        let get = self.client.get_object().bucket(&self.bucket).key(work_key(export, name));
        let got = get.customize().config_override(patient()).send().await.map_err(s3)?;
        let bytes = got.body.collect().await;
        let bytes = bytes.map_err(|error| StoreError::Busy { service: "S3", source: Box::new(error) })?;
        Ok(bytes.to_vec())
    }

    /// Deletes a checkpoint, if there is one.
    pub async fn delete_checkpoint(&self, export: ExportId, name: &str) -> Result<(), StoreError> {
        let delete = self.client.delete_object().bucket(&self.bucket).key(work_key(export, name));
        delete.send().await.map(drop).map_err(s3)
    }

    /// Signs a link to a finished export. Makes no request.
    pub async fn sign(&self, export: ExportId, lifetime: Duration) -> Result<String, StoreError> {
        let lifetime = PresigningConfig::expires_in(lifetime)
            .map_err(|error| StoreError::Service { service: "S3", source: Box::new(error) })?;
        let get = self.client.get_object().bucket(&self.bucket).key(export_key(export));
        let get = get.response_content_disposition(format!("attachment; filename=\"{export}.zip\""));
        let get = get.response_cache_control("private, no-store");
        Ok(get.presigned(lifetime).await.map_err(s3)?.uri().to_owned())
    }
}

/// Returns the limits of requests with many bytes: those of all other requests are seconds.
fn patient() -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(TIMEOUT).operation_timeout(TIMEOUT).build();
    aws_sdk_s3::Config::builder().timeout_config(timeouts).retry_config(RetryConfig::standard().with_max_attempts(3))
}

fn export_key(export: ExportId) -> String {
    format!("exports/{export}.zip")
}

/// Returns the export that has an object with this key.
fn export_of(key: &str) -> Option<ExportId> {
    let id = match key.split_once('/')? {
        ("exports", name) => name.strip_suffix(".zip")?,
        ("work", rest) => rest.split_once('/')?.0,
        _ => return None,
    };
    id.parse().ok()
}

fn work_key(export: ExportId, name: &str) -> String {
    format!("work/{export}/{name}")
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
    fn keys_name_their_export() {
        let export = ExportId::generate();
        assert_eq!(export_of(&export_key(export)), Some(export));
        assert_eq!(export_of(&work_key(export, "1")), Some(export));
        for key in ["", "exports/a.zip", "other/1", &format!("exports/{export}")] {
            assert_eq!(export_of(key), None, "{key}");
        }
    }
}
