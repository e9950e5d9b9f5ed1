//! `POST /v1/files/{id}/parts`, `POST /v1/files/{id}/complete` and `DELETE /v1/files/{id}`.

use domain::file::{FileStatus, PartsRequest, SignedPart};
use domain::{ApiError, ErrorCode};
use lambda_kit::http::{Request, Response};
use serde::Serialize;
use store::s3::Joined;
use store::sql::files::StoredFile;

use crate::{Handler, not_found};

/// Missing parts that an error names.
const NAMED_PARTS: usize = 10;

#[derive(Debug, Serialize)]
struct Parts {
    parts: Vec<SignedPart>,
}

impl Handler {
    /// Requests that upload some parts, as often as they are asked for.
    pub(crate) async fn parts(&self, request: &Request) -> Result<Response, ApiError> {
        let wanted: PartsRequest = request.json()?;
        let StoredFile { file, upload_id, .. } = self.own(request).await?;
        let upload_id = upload_id.ok_or_else(|| ApiError::invalid("This file comes in one piece."))?;
        if file.status != FileStatus::Pending {
            return Err(over());
        }
        let wanted = wanted.check(file.size)?;
        let parts = self.removal.objects.sign_parts(&file, &upload_id, &wanted, self.limits.upload_lifetime).await?;
        Response::ok(&Parts { parts })
    }

    /// Joins the parts. Safe to repeat.
    pub(crate) async fn complete(&self, request: &Request) -> Result<Response, ApiError> {
        let StoredFile { file, upload_id, .. } = self.own(request).await?;
        let upload_id = upload_id.ok_or_else(|| ApiError::invalid("This file comes in one piece."))?;
        if file.status == FileStatus::Pending {
            match self.removal.objects.join_parts(&file, &upload_id).await? {
                Joined::Whole => {}
                Joined::Incomplete(missing) => {
                    let named: Vec<String> = missing.iter().take(NAMED_PARTS).map(u64::to_string).collect();
                    let count = missing.len();
                    let message = format!("{count} parts are missing or have another size: {} …", named.join(", "));
                    return Err(ApiError::new(ErrorCode::UploadIncomplete, message));
                }
                // Joined by an earlier request, of which the event may be on its way.
                Joined::Gone if self.removal.objects.head(file.file_id).await?.is_some() => {}
                Joined::Gone => return Err(over()),
            }
        }
        Response::ok(&file)
    }

    /// Gives up an upload, or lets go of a file that no message carries.
    pub(crate) async fn remove(&self, request: &Request) -> Result<Response, ApiError> {
        let stored = self.own(request).await?;
        let gone = stored.file.status != FileStatus::Ready && self.removal.discard(&stored).await?;
        if gone || self.removal.release.release(stored.file.file_id).await? {
            return Ok(Response::no_content());
        }
        Err(ApiError::new(ErrorCode::FileInUse, "A message carries this file: delete the message."))
    }

    /// A file of the caller's.
    pub(crate) async fn own(&self, request: &Request) -> Result<StoredFile, ApiError> {
        let stored = self.removal.metadata.get(request.id("id")?).await?;
        stored.filter(|stored| stored.owner_id == request.user_id()).ok_or_else(not_found)
    }
}

fn over() -> ApiError {
    ApiError::new(ErrorCode::UploadOver, "The upload of this file is over.")
}
