//! Uploads in parts: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>.

use std::time::Duration;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, Part};
use domain::file::{File, PartRequest, SignedPart, part_count, part_size};
use domain::{FileId, Timestamp};
use futures_util::future::try_join_all;

use super::upload::{base64, request, signed_length};
use super::{Objects, good_for, s3, upload_key};
use crate::StoreError;

/// S3's error code for an upload that was completed or aborted, or never existed.
const NO_SUCH_UPLOAD: &str = "NoSuchUpload";

/// Timeout for joining parts: S3 needs longer than for other requests, and API Gateway waits 30 s.
const COMPLETE_TIMEOUT: Duration = Duration::from_secs(25);

/// Outcome of joining the parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joined {
    /// The parts were joined into one object.
    Whole,
    /// Parts with these numbers are missing or have the wrong size.
    Incomplete(Vec<u64>),
    /// The upload does not exist: it was joined before, or aborted.
    Gone,
}

impl Objects {
    /// Starts an upload in parts and returns S3's id of it.
    pub async fn begin_parts(&self, file: FileId, content_type: &str) -> Result<String, StoreError> {
        let create = self.client.create_multipart_upload().bucket(&self.bucket).key(upload_key(file));
        let create = create.content_type(content_type).checksum_algorithm(ChecksumAlgorithm::Sha256);
        let upload = create.send().await.map_err(s3)?.upload_id;
        upload.ok_or_else(|| StoreError::Inconsistent("an upload without an id".to_owned()))
    }

    /// Signs requests that upload these parts of a file, each bound to its length and checksum. Makes no request.
    pub async fn sign_parts(
        &self,
        file: &File,
        upload_id: &str,
        parts: &[PartRequest],
        lifetime: Duration,
    ) -> Result<Vec<SignedPart>, StoreError> {
        let expires_at = Timestamp::now().plus(lifetime);
        let sign = parts.iter().map(async |part| {
            let put = self.client.upload_part().bucket(&self.bucket).key(upload_key(file.file_id)).upload_id(upload_id);
            let put = put
                .part_number(i32::try_from(part.part_number).unwrap_or(i32::MAX))
                .content_length(signed_length(part_size(file.size, part.part_number).unwrap_or_default()))
                .checksum_sha256(base64(&part.sha256));
            let signed = put.presigned(good_for(lifetime)?).await.map_err(s3)?;
            Ok::<_, StoreError>(SignedPart { part_number: part.part_number, request: request(&signed, expires_at) })
        });
        try_join_all(sign).await
    }

    /// Joins the parts of a file if all exist with the right sizes. S3 has verified their checksums.
    pub async fn join_parts(&self, file: &File, upload_id: &str) -> Result<Joined, StoreError> {
        let Some(parts) = self.list_parts(file.file_id, upload_id).await? else { return Ok(Joined::Gone) };
        let number = |part: &Part| part.part_number.and_then(|number| u64::try_from(number).ok());
        let size = |part: &Part| part.size.and_then(|size| u64::try_from(size).ok());
        let is_uploaded = |expected: &u64| {
            let mut parts = parts.iter();
            parts.any(|part| number(part) == Some(*expected) && size(part) == part_size(file.size, *expected))
        };
        let missing: Vec<u64> = (1..=part_count(file.size)).filter(|number| !is_uploaded(number)).collect();
        if !missing.is_empty() {
            return Ok(Joined::Incomplete(missing));
        }
        let completed = parts.into_iter().map(|part| {
            let completed = CompletedPart::builder().set_part_number(part.part_number).set_e_tag(part.e_tag);
            completed.set_checksum_sha256(part.checksum_sha256).build()
        });
        let completed = CompletedMultipartUpload::builder().set_parts(Some(completed.collect())).build();
        let complete = self.client.complete_multipart_upload().bucket(&self.bucket).key(upload_key(file.file_id));
        let complete =
            complete.upload_id(upload_id).multipart_upload(completed).mpu_object_size(signed_length(file.size));
        // Both: the client's own limit of an operation would cut the attempt.
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(COMPLETE_TIMEOUT)
            .operation_timeout(COMPLETE_TIMEOUT)
            .build();
        // A single attempt: there is no time for more, and the client can repeat the request.
        let config = aws_sdk_s3::Config::builder().timeout_config(timeouts).retry_config(RetryConfig::disabled());
        match complete.customize().config_override(config).send().await {
            Ok(_) => Ok(Joined::Whole),
            Err(error) if error.code() == Some(NO_SUCH_UPLOAD) => Ok(Joined::Gone),
            Err(error) => Err(s3(error)),
        }
    }

    /// Aborts an upload in parts and deletes its parts. Safe to repeat.
    pub async fn abort_parts(&self, file: FileId, upload_id: &str) -> Result<(), StoreError> {
        let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(upload_key(file));
        match abort.upload_id(upload_id).send().await {
            Err(error) if error.code() == Some(NO_SUCH_UPLOAD) => Ok(()),
            result => result.map(drop).map_err(s3),
        }
    }

    /// Reads the parts in the order of their numbers; `None` if the upload does not exist. Cost: one request per thousand
    /// parts.
    async fn list_parts(&self, file: FileId, upload_id: &str) -> Result<Option<Vec<Part>>, StoreError> {
        let mut parts = Vec::new();
        let mut after = None;
        loop {
            let list = self.client.list_parts().bucket(&self.bucket).key(upload_key(file)).upload_id(upload_id);
            let page = match list.set_part_number_marker(after).send().await {
                Ok(page) => page,
                Err(error) if error.code() == Some(NO_SUCH_UPLOAD) => return Ok(None),
                Err(error) => return Err(s3(error)),
            };
            parts.extend(page.parts.unwrap_or_default());
            after = page.next_part_number_marker.filter(|_| page.is_truncated == Some(true));
            if after.is_none() {
                return Ok(Some(parts));
            }
        }
    }
}
