//! The files of imports, in the bucket of exports, whose objects live a day.
//!
//! | key | |
//! |---|---|
//! | `imports/<import>` | the file, which the backend uploads by a signed request |
//! | `import-work/<import>/<name>` | a checkpoint: the progress |
//!
//! Keys hold ids and nothing that a user wrote.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use domain::file::SignedRequest;
use domain::{ImportId, Timestamp};

use crate::StoreError;

/// Time limit of a request with megabytes.
const TIMEOUT: Duration = Duration::from_mins(1);

const CONTENT_TYPE: &str = "application/zip";

/// The objects of imports.
#[derive(Clone, Debug)]
pub struct ImportObjects {
    client: Client,
    bucket: String,
}

impl ImportObjects {
    /// The bucket with this name.
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Signs a request that uploads a file of exactly this size. Makes no request.
    pub async fn sign_upload(
        &self,
        import: ImportId,
        size: u64,
        lifetime: Duration,
    ) -> Result<SignedRequest, StoreError> {
        let config = PresigningConfig::expires_in(lifetime)
            .map_err(|error| StoreError::Service { service: "S3", source: Box::new(error) })?;
        let put = self.client.put_object().bucket(&self.bucket).key(file_key(import)).content_type(CONTENT_TYPE);
        let expires_at = Timestamp::now().plus(lifetime);
        let signed = put.content_length(i64::try_from(size).unwrap_or(i64::MAX)).presigned(config).await.map_err(s3)?;
        let headers: BTreeMap<String, String> = signed
            .headers()
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .filter(|(name, _)| matches!(name.as_str(), "content-type" | "content-length"))
            .collect();
        Ok(SignedRequest { method: signed.method().to_owned(), url: signed.uri().to_owned(), headers, expires_at })
    }

    /// Returns the size of the file; `None` if it is not there.
    pub async fn size(&self, import: ImportId) -> Result<Option<u64>, StoreError> {
        match self.client.head_object().bucket(&self.bucket).key(file_key(import)).send().await {
            Ok(head) => Ok(head.content_length.and_then(|length| u64::try_from(length).ok())),
            Err(error) if matches!(error.as_service_error(), Some(HeadObjectError::NotFound(_))) => Ok(None),
            Err(error) => Err(s3(error)),
        }
    }

    /// Reads `count` bytes of the file from `first` on, or those that there are; `None` if there is no file. The file has more bytes than
    /// `first`.
    pub async fn bytes(&self, import: ImportId, first: u64, count: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let last = first + count.max(1) - 1;
        let get = self.client.get_object().bucket(&self.bucket).key(file_key(import));
        let get = get.range(format!("bytes={first}-{last}"));
        match get.customize().config_override(patient()).send().await {
            Ok(got) => {
                let bytes = got.body.collect().await;
                let bytes = bytes.map_err(|error| StoreError::Busy { service: "S3", source: Box::new(error) })?;
                Ok(Some(bytes.to_vec()))
            }
            Err(error) if matches!(error.as_service_error(), Some(GetObjectError::NoSuchKey(_))) => Ok(None),
            Err(error) => Err(s3(error)),
        }
    }

    /// Deletes the file, if there is one.
    pub async fn delete(&self, import: ImportId) -> Result<(), StoreError> {
        let delete = self.client.delete_object().bucket(&self.bucket).key(file_key(import));
        delete.send().await.map(drop).map_err(s3)
    }

    /// Writes a checkpoint. Its name is used once.
    pub async fn put_checkpoint(&self, import: ImportId, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let put = self.client.put_object().bucket(&self.bucket).key(work_key(import, name));
        let put = put.body(ByteStream::from(bytes)).customize().config_override(patient());
        put.send().await.map(drop).map_err(s3)
    }

    /// Reads what a step has left for the next one.
    pub async fn checkpoint(&self, import: ImportId, name: &str) -> Result<Vec<u8>, StoreError> {
        let get = self.client.get_object().bucket(&self.bucket).key(work_key(import, name));
        let got = get.customize().config_override(patient()).send().await.map_err(s3)?;
        let bytes = got.body.collect().await;
        let bytes = bytes.map_err(|error| StoreError::Busy { service: "S3", source: Box::new(error) })?;
        Ok(bytes.to_vec())
    }

    /// Deletes a checkpoint, if there is one.
    pub async fn delete_checkpoint(&self, import: ImportId, name: &str) -> Result<(), StoreError> {
        let delete = self.client.delete_object().bucket(&self.bucket).key(work_key(import, name));
        delete.send().await.map(drop).map_err(s3)
    }
}

/// Returns the limits of requests with many bytes: those of all other requests are seconds.
fn patient() -> aws_sdk_s3::config::Builder {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(TIMEOUT).operation_timeout(TIMEOUT).build();
    aws_sdk_s3::Config::builder().timeout_config(timeouts).retry_config(RetryConfig::standard().with_max_attempts(3))
}

fn file_key(import: ImportId) -> String {
    format!("imports/{import}")
}

fn work_key(import: ImportId, name: &str) -> String {
    format!("import-work/{import}/{name}")
}

fn s3<E>(error: SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    StoreError::aws("S3", error)
}
