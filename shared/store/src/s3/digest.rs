//! The SHA-256 of an upload, computed from its bytes.

use std::time::Duration;

use aws_sdk_s3::operation::get_object::GetObjectError;
use domain::file::Sha256Hex;
use domain::{FileId, hex};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::{Objects, s3, upload_key};
use crate::StoreError;

/// Bytes of one request: a request that breaks off is repeated from where it broke.
const RANGE_BYTES: u64 = 64 * 1024 * 1024;

/// Most requests in a row that bring nothing.
const MAX_EMPTY_REQUESTS: u32 = 3;

/// The wait after a request that broke off.
const RETRY_DELAY: Duration = Duration::from_millis(200);

impl Objects {
    /// Computes the SHA-256 of the first `size` bytes of an upload; `None` if it was deleted meanwhile. Needs the memory of a
    /// network packet, and about ten seconds for each gigabyte. Cost: one request per 64 MiB.
    pub async fn sha256(&self, file: FileId, size: u64) -> Result<Option<Sha256Hex>, StoreError> {
        let mut hasher = Sha256::new();
        let (mut done, mut empty) = (0, 0);
        while done < size {
            let last = size.min(done + RANGE_BYTES) - 1;
            let get = self.client.get_object().bucket(&self.bucket).key(upload_key(file));
            let mut body = match get.range(format!("bytes={done}-{last}")).send().await {
                Ok(got) => got.body,
                Err(error) if matches!(error.as_service_error(), Some(GetObjectError::NoSuchKey(_))) => {
                    return Ok(None);
                }
                Err(error) => return Err(s3(error)),
            };
            let before = done;
            let broken = loop {
                match body.next().await {
                    Some(Ok(bytes)) => {
                        hasher.update(&bytes);
                        done += bytes.len() as u64;
                    }
                    Some(Err(error)) => break Some(error),
                    None => break None,
                }
            };
            empty = if done == before { empty + 1 } else { 0 };
            if let Some(error) = broken {
                if empty == MAX_EMPTY_REQUESTS {
                    return Err(StoreError::Busy { service: "S3", source: Box::new(error) });
                }
                tracing::info!(file_id = %file, done, %error, "a read of an upload broke off and is repeated");
                sleep(RETRY_DELAY).await;
            } else if empty == MAX_EMPTY_REQUESTS {
                return Err(StoreError::Inconsistent(format!("upload {file} has fewer bytes than its metadata says")));
            }
        }
        let digits = hex(&hasher.finalize());
        Sha256Hex::parse(&digits).map(Some).map_err(|error| StoreError::Inconsistent(error.to_string()))
    }
}
