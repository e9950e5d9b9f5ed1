//! `POST /v1/conversations/{id}/files`.

use std::time::Duration;

use domain::error::causes;
use domain::file::{Announced, FileStatus, NewFile, PART_BYTES, Upload, part_count};
use domain::{ApiError, ConversationId, ErrorCode, FileId, Timestamp, UserId};
use lambda_kit::http::{Request, Response};
use store::sql::files::{self, Announcement, StoredFile};
use store::sqs::FilesBody;

use crate::Handler;

/// An upload in one piece that began before its request expired is over by this many lifetimes of a request: an hour.
const SINGLE_UPLOAD_LIFETIMES: u32 = 4;

/// Parts can be asked for again and again for this many: a day.
const PARTS_UPLOAD_LIFETIMES: u32 = 96;

impl Handler {
    /// 201 with how to upload the file, or 200 for one that the same key announced before.
    ///
    /// One request to DynamoDB, four to SQL, one to the queue; and one to S3 where the file comes in parts.
    pub(crate) async fn announce(&self, request: &Request) -> Result<Response, ApiError> {
        let conversation_id = request.id("id")?;
        let new = request.json::<NewFile>()?.check()?;
        let idempotency = request.idempotency()?;
        let owner_id = request.user_id();
        self.require_member(conversation_id, owner_id).await?;
        let file_id = FileId::generate();
        // The queue hears of it before anything is there: then a crash leaves nothing behind.
        let now = Timestamp::now();
        let due = now.plus(self.patience(new.size));
        self.removal.release.queue.send_files(FilesBody::Upload { file_id, due }, now).await?;
        let upload_id = if self.comes_in_parts(new.size) {
            Some(self.removal.objects.begin_parts(file_id, new.content_type.as_str()).await?)
        } else {
            None
        };
        let announcement = Announcement {
            file_id,
            owner_id,
            conversation_id,
            new: &new,
            upload_id: upload_id.as_deref(),
            idempotency: idempotency.as_ref(),
        };
        let announced = self.removal.metadata.announce(&announcement, self.limits.quota).await;
        if let (Some(upload_id), Err(_) | Ok(files::Announced::Existing(_))) = (&upload_id, &announced)
            && let Err(error) = self.removal.objects.abort_parts(file_id, upload_id).await
        {
            // The bucket gives up what nobody completes.
            tracing::warn!(error = causes(&error), "an upload that nobody will complete is open");
        }
        match announced? {
            files::Announced::New(stored) => Response::created(&self.instructions(stored).await?),
            files::Announced::Existing(stored) => Response::ok(&self.instructions(stored).await?),
        }
    }

    /// The file, and how to upload it if that is still to be done.
    async fn instructions(&self, StoredFile { file, upload_id, .. }: StoredFile) -> Result<Announced, ApiError> {
        let upload = match (file.status, upload_id) {
            (FileStatus::Pending, Some(_)) => {
                Some(Upload::Parts { part_size: PART_BYTES, part_count: part_count(file.size) })
            }
            (FileStatus::Pending, None) => {
                Some(Upload::Whole(self.removal.objects.sign_upload(&file, self.limits.upload_lifetime).await?))
            }
            _ => None,
        };
        Ok(Announced { file, upload })
    }

    async fn require_member(&self, conversation: ConversationId, user: UserId) -> Result<(), ApiError> {
        let view = self.log.members.view(conversation, user).await?;
        if chat::log::require_member(view)?.conversation.closed {
            return Err(ApiError::new(ErrorCode::ConversationClosed, "This conversation is closed."));
        }
        Ok(())
    }

    const fn comes_in_parts(&self, size: u64) -> bool {
        size > self.limits.multipart_above
    }

    /// How long an upload may take.
    fn patience(&self, size: u64) -> Duration {
        let lifetimes = if self.comes_in_parts(size) { PARTS_UPLOAD_LIFETIMES } else { SINGLE_UPLOAD_LIFETIMES };
        self.limits.upload_lifetime * lifetimes
    }
}
