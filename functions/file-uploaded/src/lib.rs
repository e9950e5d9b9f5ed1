//! What becomes of an upload: S3 tells of it, at least once, late, and in any order.
//!
//! The bytes are looked at, thumbnails are made, and the file is one that can be attached, or is rejected and gone. Every step may be
//! repeated: what is true is the status in SQL, which changes once.

mod announced;
mod inspect;
mod thumbnails;

use domain::error::causes;
use domain::file::{File, FileStatus, Rejection};
use domain::protocol::Push;
use domain::{Attachment, FileId, Timestamp, UserId};
use store::StoreError;
use store::connections_api::{ConnectionsApi, Frame, encode};
use store::dynamodb::{Connections, FileItem, Files};
use store::s3::{Objects, uploaded_file};
use store::sql::FileMetadata;
use store::sql::files::StoredFile;

use thumbnails::ProcessedImage;

/// Larger images get no thumbnails: they are read into memory for that.
const MAX_IMAGE_BYTES: u64 = 25 * 1024 * 1024;

/// What the function needs.
#[derive(Debug)]
pub struct Inspection {
    /// What was announced.
    pub metadata: FileMetadata,
    /// What can be attached.
    pub files: Files,
    /// What was uploaded.
    pub objects: Objects,
    /// Where the owner is.
    pub connections: Connections,
    /// How they are told.
    pub pusher: ConnectionsApi,
}

impl Inspection {
    /// Looks at the upload of this key, and settles what becomes of it.
    pub async fn handle(&self, key: &str) -> Result<(), StoreError> {
        let Some(file) = uploaded_file(key) else {
            tracing::warn!("an object that is no upload");
            return Ok(());
        };
        let Some(stored) = self.metadata.get(file).await? else { return self.objects.remove(file).await };
        match stored.file.status {
            // Nothing but the same bytes can have been uploaded again.
            FileStatus::Ready => Ok(()),
            FileStatus::Rejected => self.objects.remove(file).await,
            FileStatus::Pending => match self.look(&stored.file).await? {
                None => Ok(()),
                Some(Ok(picture)) => self.accept(stored, picture).await,
                Some(Err(reason)) => self.reject(stored, reason).await,
            },
        }
    }

    /// What the bytes are; `None` where they are gone.
    async fn look(&self, file: &File) -> Result<Option<Result<ProcessedImage, Rejection>>, StoreError> {
        let Some(uploaded) = self.objects.head(file.file_id).await? else { return Ok(None) };
        if let Err(reason) = announced::check(file, &uploaded) {
            return Ok(Some(Err(reason)));
        }
        let has_thumbnails = file.content_type.has_thumbnails() && file.size <= MAX_IMAGE_BYTES;
        let most = if has_thumbnails { MAX_IMAGE_BYTES } else { inspect::needed(&file.content_type) };
        let Some(bytes) = self.objects.first_bytes(file.file_id, most).await? else { return Ok(None) };
        if let Err(reason) = inspect::inspect(&file.content_type, &bytes) {
            return Ok(Some(Err(reason)));
        }
        if !has_thumbnails {
            return Ok(Some(Ok(ProcessedImage::default())));
        }
        // Pixels take their time, and whoever decodes them may stumble over hostile bytes.
        let picture = tokio::task::spawn_blocking(move || thumbnails::thumbnails(&bytes)).await;
        Ok(Some(picture.unwrap_or_else(|error| {
            tracing::error!(error = causes(&error), "an image could not be worked on");
            Err(Rejection::ImageUnreadable)
        })))
    }

    /// Makes the file ready: what can be read of it first, then what can be attached, then what is true.
    async fn accept(&self, stored: StoredFile, picture: ProcessedImage) -> Result<(), StoreError> {
        let file = stored.file;
        let dimensions = picture.dimensions;
        for thumbnail in picture.thumbnails {
            let (size, content_type) = (thumbnail.size, thumbnail.content_type);
            self.objects.put_thumbnail(file.file_id, size, content_type, thumbnail.bytes).await?;
        }
        self.files
            .put(&FileItem {
                attachment: Attachment {
                    file_id: file.file_id,
                    name: file.name.clone(),
                    content_type: file.content_type.clone(),
                    size: file.size,
                    width: dimensions.map(|dimensions| dimensions.width),
                    height: dimensions.map(|dimensions| dimensions.height),
                },
                owner_id: stored.owner_id,
                conversation_id: file.conversation_id,
                referenced_by: Vec::new(),
                released_at: None,
            })
            .await?;
        if self.metadata.accept(file.file_id, dimensions).await? {
            self.tell(stored.owner_id, File { status: FileStatus::Ready, dimensions, ..file }).await;
            return Ok(());
        }
        self.undo_unless_ready(file.file_id).await
    }

    /// The same event may have come twice at once, or the file be given up while it was looked at.
    async fn undo_unless_ready(&self, file: FileId) -> Result<(), StoreError> {
        if self.metadata.get(file).await?.is_some_and(|stored| stored.file.status == FileStatus::Ready) {
            return Ok(());
        }
        self.files.forget(file).await?;
        self.objects.remove(file).await
    }

    async fn reject(&self, stored: StoredFile, reason: Rejection) -> Result<(), StoreError> {
        let file = stored.file;
        let rejected = self.metadata.reject(file.file_id, reason).await?;
        self.objects.remove(file.file_id).await?;
        if rejected {
            let file = File { status: FileStatus::Rejected, reason: Some(reason), ..file };
            self.tell(stored.owner_id, file).await;
        }
        Ok(())
    }

    /// Tells the owner, wherever they are. Who is not told asks.
    async fn tell(&self, owner: UserId, file: File) {
        let now = Timestamp::now();
        let json = encode(&Push::File { file });
        match (json, self.connections.of(&[owner], now).await) {
            (Ok(json), Ok(connections)) => {
                let frames = connections
                    .iter()
                    .map(|connection| Frame { connection_id: &connection.connection_id, json: &json });
                let pushed = self.pusher.push(frames).await;
                self.connections.remove_gone(&connections, &pushed.gone, now).await;
            }
            (Err(error), _) => tracing::error!(%error, "a frame cannot be written"),
            (_, Err(error)) => tracing::warn!(error = causes(&error), "the owner of a file was not told of it"),
        }
    }
}
