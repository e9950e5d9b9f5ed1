//! Uploads: announced by their owners, sent to S3 by signed requests, completed or cancelled.

use std::time::Duration;

use domain::error::causes;
use domain::file::{
    Announced, ContentType, Download, File, FileName, FileStatus, NewFile, PART_BYTES, PartsRequest, SignedPart,
    ThumbnailSize, Upload, part_count,
};
use domain::{Attachment, ConversationId, FileId, Idempotency, Timestamp, UserId};
use store::StoreError;
use store::s3::Joined;
use store::sql::files::{self, Announcement, StoredFile};
use store::sqs::FilesBody;

use super::{Files, UploadError};

/// Lifetimes of a signed request after which an upload in one request expires: an hour with the default of 15 minutes.
const SINGLE_UPLOAD_LIFETIMES: u32 = 4;

/// Lifetimes of a signed request during which an upload in parts is open: a day with the default of 15 minutes.
const PARTS_UPLOAD_LIFETIMES: u32 = 96;

/// Limits of uploads, from the template's parameters.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
    /// Most bytes of one user's files together.
    pub quota: u64,
    /// Size in bytes above which files are uploaded in parts.
    pub multipart_above: u64,
    /// Time for which a signed request is valid.
    pub upload_lifetime: Duration,
}

/// Announces, signs, completes and cancels uploads.
#[derive(Clone, Debug)]
pub struct Uploads {
    files: Files,
    limits: UploadLimits,
}

impl Uploads {
    pub fn new(files: Files, limits: UploadLimits) -> Self {
        Self { files, limits }
    }

    /// Announces a file and returns how to upload it; the flag is false if the same idempotency key announced it before.
    ///
    /// Cost: four requests to SQL, one to EventBridge Scheduler (to SQS for less than 15 minutes), and one to S3 for a file in
    /// parts.
    pub async fn announce(
        &self,
        owner_id: UserId,
        conversation_id: ConversationId,
        new: &NewFile,
        idempotency: Option<&Idempotency>,
    ) -> Result<(Announced, bool), UploadError> {
        let file_id = FileId::generate();
        // The cleanup is scheduled before anything exists, so that a crash leaves nothing behind.
        let due = Timestamp::now().plus(self.time_to_upload(new.size));
        self.files.references.defer(FilesBody::Upload { file_id, due }).await?;
        let upload_id = if self.is_in_parts(new.size) {
            Some(self.files.objects.begin_parts(file_id, new.content_type.as_str()).await?)
        } else {
            None
        };
        let announcement =
            Announcement { file_id, owner_id, conversation_id, new, upload_id: upload_id.as_deref(), idempotency };
        let announced = self.files.metadata.announce(&announcement, self.limits.quota).await;
        if let (Some(upload_id), Err(_) | Ok(files::Announced::Existing(_))) = (&upload_id, &announced)
            && let Err(error) = self.files.objects.abort_parts(file_id, upload_id).await
        {
            // The bucket's lifecycle rule aborts it.
            tracing::warn!(%file_id, user_id = %owner_id, error = causes(&error), "an unused multipart upload was not aborted");
        }
        match announced? {
            files::Announced::New(stored) => Ok((self.instructions(stored).await?, true)),
            files::Announced::Existing(stored) => Ok((self.instructions(stored).await?, false)),
        }
    }

    /// Returns the file, and how to upload it if it is pending.
    async fn instructions(&self, StoredFile { file, upload_id, .. }: StoredFile) -> Result<Announced, StoreError> {
        let upload = match (file.status, upload_id) {
            (FileStatus::Pending, Some(_)) => {
                Some(Upload::Parts { part_size: PART_BYTES, part_count: part_count(file.size) })
            }
            (FileStatus::Pending, None) => {
                Some(Upload::Whole(self.files.objects.sign_upload(&file, self.limits.upload_lifetime).await?))
            }
            _ => None,
        };
        Ok(Announced { file, upload })
    }

    /// Signs the requests that upload some parts. May be called as often as needed while the upload is open.
    pub async fn sign_parts(
        &self,
        owner: UserId,
        file: FileId,
        request: PartsRequest,
    ) -> Result<Vec<SignedPart>, UploadError> {
        let (StoredFile { file, .. }, upload_id) = self.in_parts(owner, file).await?;
        if file.status != FileStatus::Pending {
            return Err(UploadError::Over);
        }
        let parts = request.check(file.size).map_err(UploadError::Invalid)?;
        Ok(self.files.objects.sign_parts(&file, &upload_id, &parts, self.limits.upload_lifetime).await?)
    }

    /// Joins the uploaded parts. Safe to repeat.
    pub async fn complete(&self, owner: UserId, file: FileId) -> Result<File, UploadError> {
        let (StoredFile { file, .. }, upload_id) = self.in_parts(owner, file).await?;
        if file.status == FileStatus::Pending {
            match self.files.objects.join_parts(&file, &upload_id).await? {
                Joined::Whole => {}
                Joined::Incomplete(missing) => return Err(UploadError::Incomplete(missing)),
                // Another request joined them; their inspection may be under way.
                Joined::Gone if self.files.objects.head(file.file_id).await?.is_some() => {}
                // Or over.
                Joined::Gone => {
                    let StoredFile { file, .. } = self.get(owner, file.file_id).await?;
                    return if file.status == FileStatus::Pending { Err(UploadError::Over) } else { Ok(file) };
                }
            }
        }
        Ok(file)
    }

    /// Cancels an upload, or expires a file that no message references. A file that its owner had and that is deleted is no error.
    pub async fn cancel(&self, owner: UserId, file: FileId) -> Result<(), UploadError> {
        let stored = match self.get(owner, file).await {
            Err(UploadError::NotFound) if self.files.metadata.is_deleted(file, owner).await? => return Ok(()),
            stored => stored?,
        };
        let deleted = !stored.is_ready() && self.files.delete_unready(&stored).await?;
        if deleted || self.files.references.expire(stored.file.file_id).await? {
            return Ok(());
        }
        Err(UploadError::InUse)
    }

    /// Returns a file of its owner's, in any status. Cost: one request to SQL.
    pub async fn get(&self, owner: UserId, file: FileId) -> Result<StoredFile, UploadError> {
        let stored = self.files.metadata.get(file).await?;
        stored.filter(|stored| stored.owner_id == owner).ok_or(UploadError::NotFound)
    }

    /// Returns a ready file of its owner's. Cost: one read unit, no SQL.
    pub async fn ready(&self, owner: UserId, file: FileId) -> Result<Attachment, UploadError> {
        self.files.references.owned(file, owner).await?.ok_or(UploadError::NotFound)
    }

    /// Signs a download. The caller has checked that the user may read the file.
    pub async fn sign_download(
        &self,
        file: FileId,
        name: &FileName,
        content_type: &ContentType,
    ) -> Result<Download, StoreError> {
        self.files.objects.sign_download(file, name, content_type).await
    }

    /// Signs the download of a thumbnail. The caller has checked that the user may read the file.
    pub async fn sign_thumbnail(&self, file: FileId, size: ThumbnailSize) -> Result<Download, StoreError> {
        self.files.objects.sign_thumbnail(file, size).await
    }

    async fn in_parts(&self, owner: UserId, file: FileId) -> Result<(StoredFile, String), UploadError> {
        let mut stored = self.get(owner, file).await?;
        let upload_id = stored.upload_id.take().ok_or(UploadError::NotInParts)?;
        Ok((stored, upload_id))
    }

    const fn is_in_parts(&self, size: u64) -> bool {
        size > self.limits.multipart_above
    }

    /// Returns the time limit of an upload.
    fn time_to_upload(&self, size: u64) -> Duration {
        let lifetimes = if self.is_in_parts(size) { PARTS_UPLOAD_LIFETIMES } else { SINGLE_UPLOAD_LIFETIMES };
        self.limits.upload_lifetime * lifetimes
    }
}
