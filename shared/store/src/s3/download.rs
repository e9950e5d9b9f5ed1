//! URLs to read from.

use std::time::Duration;

use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::primitives::DateTime;
use domain::file::{ContentType, Download, FileName, ThumbnailSize};
use domain::{FileId, Timestamp};

use super::{Objects, good_for, s3, thumbnail_key, upload_key};
use crate::StoreError;

/// Time for which a download URL is valid: long enough to follow it, too short to pass it on. A download that has begun
/// continues.
const LIFETIME: Duration = Duration::from_mins(5);

/// Caching of a download: by the browser of its reader, as long as its URL is valid.
const CACHE_CONTROL: &str = "private, max-age=300";

/// The encoding of bytes as they are. An upload's own encoding would make readers unpack other bytes than were inspected.
const CONTENT_ENCODING: &str = "identity";

/// The language tag that says nothing (RFC 5646, 4.1).
const CONTENT_LANGUAGE: &str = "und";

impl Objects {
    /// Signs a URL of an upload, with the headers that its content type allows. Makes no request.
    pub async fn sign_download(
        &self,
        file: FileId,
        name: &FileName,
        content_type: &ContentType,
    ) -> Result<Download, StoreError> {
        let serving = content_type.serving();
        let get = self.client.get_object().bucket(&self.bucket).key(upload_key(file));
        let get = get
            .response_content_type(serving.content_type)
            .response_content_disposition(name.disposition(serving.disposition));
        sign(get).await
    }

    /// Signs a URL of a thumbnail. Makes no request.
    pub async fn sign_thumbnail(&self, file: FileId, size: ThumbnailSize) -> Result<Download, StoreError> {
        sign(self.client.get_object().bucket(&self.bucket).key(thumbnail_key(file, size))).await
    }
}

/// Signs a read with all headers that S3 can replace: an uploader could have set any of them, since a presigned URL binds
/// only the headers that it names and those that begin with `x-amz-`.
pub(super) async fn sign(get: GetObjectFluentBuilder) -> Result<Download, StoreError> {
    let expires_at = Timestamp::now().plus(LIFETIME);
    let get = get
        .response_cache_control(CACHE_CONTROL)
        .response_content_encoding(CONTENT_ENCODING)
        .response_content_language(CONTENT_LANGUAGE)
        .response_expires(DateTime::from_secs(expires_at.epoch_seconds()));
    let url = get.presigned(good_for(LIFETIME)?).await.map_err(s3)?.uri().to_owned();
    Ok(Download { url, expires_at })
}
