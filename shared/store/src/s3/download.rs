//! URLs to read from.

use std::time::Duration;

use domain::file::{ContentType, Download, FileName, ThumbnailSize};
use domain::{FileId, Timestamp};

use super::{Objects, good_for, s3, thumbnail_key, upload_key};
use crate::StoreError;

/// Time for which a download URL is valid: long enough to follow it, too short to pass it on. A download that has begun
/// continues.
const LIFETIME: Duration = Duration::from_mins(5);

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
        let expires_at = Timestamp::now().plus(LIFETIME);
        let url = get.presigned(good_for(LIFETIME)?).await.map_err(s3)?.uri().to_owned();
        Ok(Download { url, expires_at })
    }

    /// Signs a URL of a thumbnail. Makes no request.
    pub async fn sign_thumbnail(&self, file: FileId, size: ThumbnailSize) -> Result<Download, StoreError> {
        let get = self.client.get_object().bucket(&self.bucket).key(thumbnail_key(file, size));
        let expires_at = Timestamp::now().plus(LIFETIME);
        let url = get.presigned(good_for(LIFETIME)?).await.map_err(s3)?.uri().to_owned();
        Ok(Download { url, expires_at })
    }
}
