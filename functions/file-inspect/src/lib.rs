//! Inspects uploads, invoked by S3's events, which arrive at least once, late, and in any order.
//!
//! The bytes are checked and thumbnails are made; then the file is ready and can be attached, or it is rejected and its bytes
//! are deleted. Every step may be repeated: the status in SQL decides, and it changes once.

mod announced;
mod inspect;
mod serve;

use chat::files::Inspections;
use chat::notify::UserNotifier;
use domain::UserId;
use domain::error::causes;
use domain::file::{File, Rejection};
use domain::protocol::Push;
use store::StoreError;
use store::s3::uploaded_file;
use store::sql::files::StoredFile;
use thumbnails::ProcessedImage;

use announced::Checksum;
pub use serve::serve;

/// Size in bytes above which images get no thumbnails: the function reads the whole image into memory.
const MAX_IMAGE_BYTES: u64 = 25 * 1024 * 1024;

#[derive(Debug)]
pub struct Inspector {
    pub inspections: Inspections,
    pub notifier: UserNotifier,
}

impl Inspector {
    /// Inspects the upload with this key, records the outcome and notifies the owner.
    pub async fn handle(&self, key: &str) -> Result<(), StoreError> {
        let Some(file) = uploaded_file(key) else {
            tracing::warn!(key, "an object that is not an upload was ignored");
            return Ok(());
        };
        let Some(stored) = self.inspections.pending(file).await? else { return Ok(()) };
        match self.inspect(&stored.file).await? {
            None => Ok(()),
            Some(Ok(image)) => self.accept(&stored, image).await,
            Some(Err(reason)) => {
                let rejected = self.inspections.reject(&stored, reason).await?;
                self.notify(stored.owner_id, rejected).await;
                Ok(())
            }
        }
    }

    /// Compares the bytes with the announcement, and makes thumbnails of an image. `None` if the bytes were removed meanwhile.
    /// Reads all bytes of an upload in parts, since S3 has no SHA-256 of the whole.
    async fn inspect(&self, file: &File) -> Result<Option<Result<ProcessedImage, Rejection>>, StoreError> {
        let objects = self.inspections.objects();
        let Some(uploaded) = objects.head(file.file_id).await? else { return Ok(None) };
        match announced::check(file, &uploaded) {
            Ok(Checksum::Verified) => {}
            Ok(Checksum::Unknown) => match objects.sha256(file.file_id, file.size).await? {
                None => return Ok(None),
                Some(sha256) if sha256 == file.sha256 => {}
                Some(_) => return Ok(Some(Err(Rejection::ChecksumMismatch))),
            },
            Err(reason) => return Ok(Some(Err(reason))),
        }
        let has_thumbnails = file.content_type.has_thumbnails() && file.size <= MAX_IMAGE_BYTES;
        let most = if has_thumbnails { MAX_IMAGE_BYTES } else { inspect::needed(&file.content_type) };
        let Some(bytes) = objects.first_bytes(file.file_id, most).await? else { return Ok(None) };
        if let Err(reason) = inspect::inspect(&file.content_type, &bytes) {
            return Ok(Some(Err(reason)));
        }
        if !has_thumbnails {
            return Ok(Some(Ok(ProcessedImage::default())));
        }
        // Decoding is slow, and a decoder may panic on hostile bytes; on a separate thread a panic is an error.
        let span = tracing::Span::current();
        let image = tokio::task::spawn_blocking(move || span.in_scope(|| thumbnails::thumbnails(&bytes))).await;
        Ok(Some(image.unwrap_or_else(|error| {
            tracing::error!(file_id = %file.file_id, error = causes(&error), "an image could not be decoded");
            Err(Rejection::ImageUnreadable)
        })))
    }

    /// Stores the thumbnails, then makes the file ready.
    async fn accept(&self, stored: &StoredFile, image: ProcessedImage) -> Result<(), StoreError> {
        let objects = self.inspections.objects();
        for thumbnail in image.thumbnails {
            let (size, content_type) = (thumbnail.size, thumbnail.content_type);
            objects.put_thumbnail(stored.file.file_id, size, content_type, thumbnail.bytes).await?;
        }
        let ready = self.inspections.accept(stored, image.dimensions).await?;
        self.notify(stored.owner_id, ready).await;
        Ok(())
    }

    /// Notifies the owner of the outcome, if this inspection decided it. An owner who misses it can request the file.
    async fn notify(&self, owner: UserId, file: Option<File>) {
        if let Some(file) = file {
            self.notifier.push(owner, &Push::File { file }).await;
        }
    }
}
