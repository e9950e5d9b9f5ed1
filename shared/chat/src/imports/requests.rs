//! Requests for imports, their state and their end.

use std::time::Duration;

use domain::import::{
    Import, ImportFailure, ImportState, MAX_IMPORT_BYTES, STALLED_AFTER, UPLOAD_LIFETIME, check_source,
};
use domain::protocol::http::NewImportRequest;
use domain::{ApiError, ErrorCode, ImportId, Timestamp};
use store::dynamodb::Imports;
use store::dynamodb::imports::ImportItem;
use store::import_objects::ImportObjects;
use store::sqs::{ImportBody, Queue, RELAY_DELAY};

/// Records imports and queues them. An import belongs to the client of the issuer that requested it.
#[derive(Clone, Debug)]
pub struct ImportRequests {
    pub imports: Imports,
    pub objects: ImportObjects,
    pub queue: Queue,
}

impl ImportRequests {
    /// Records an import, and signs the request that uploads its file. Cost: a write unit.
    pub async fn create(&self, client_id: &str, issuer: &str, new: NewImportRequest) -> Result<Import, ApiError> {
        check_source(&new.source)?;
        match new.size {
            0 => return Err(ApiError::invalid("`size` must be at least 1.")),
            1..=MAX_IMPORT_BYTES => {}
            _ => {
                let message = format!("The file of an import can have at most {MAX_IMPORT_BYTES} bytes.");
                return Err(ApiError::new(ErrorCode::FileTooLarge, message));
            }
        }
        let now = Timestamp::now();
        let item = ImportItem {
            import_id: ImportId::generate(),
            client_id: client_id.to_owned(),
            issuer: issuer.to_owned(),
            source: new.source,
            users: new.users,
            size: new.size,
            state: ImportState::Waiting,
            reason: None,
            created_at: now,
            progressed_at: now,
            counts: domain::import::ImportCounts::default(),
            errors: Vec::new(),
            claimed_by: None,
            claimed_until: None,
            checkpoint: None,
        };
        self.imports.create(&item).await?;
        self.shown_with_upload(item).await
    }

    /// Starts an import whose file is there. Safe to repeat. Cost: a read unit, a write unit, a request to S3 and two queue messages.
    pub async fn start(&self, client_id: &str, import: ImportId) -> Result<Import, ApiError> {
        let mut item = self.of(client_id, import).await?;
        if item.state == ImportState::Waiting {
            if self.objects.size(import).await? != Some(item.size) {
                let message = format!("The file of the import, of {} bytes, is not uploaded.", item.size);
                return Err(ApiError::new(ErrorCode::UploadIncomplete, message));
            }
            // Sent first, so that a crash in between leaves no import that nobody works on.
            self.queue.send_import(body(import), RELAY_DELAY).await?;
            self.imports.start(import, Timestamp::now()).await?;
            item = self.of(client_id, import).await?;
        }
        if item.state != ImportState::Running {
            return Err(ApiError::new(ErrorCode::ImportOver, "The import has ended."));
        }
        // The first request may have failed to queue it.
        self.queue.send_import(body(import), Duration::ZERO).await?;
        Ok(shown(item, Timestamp::now()))
    }

    /// Returns an import, with the request that uploads its file while it waits. Cost: a read unit for each 4 KB.
    pub async fn get(&self, client_id: &str, import: ImportId) -> Result<Import, ApiError> {
        self.shown_with_upload(self.of(client_id, import).await?).await
    }

    /// Cancels an import that has not ended, and has what is not whole of it deleted. Safe to repeat. Cost: a read unit, a write unit for
    /// each KB and a queue message.
    pub async fn cancel(&self, client_id: &str, import: ImportId) -> Result<(), ApiError> {
        self.of(client_id, import).await?;
        self.imports.cancel(import, Timestamp::now()).await?;
        // Also for an import that is cancelled already: the first request may have failed to queue it.
        Ok(self.queue.send_import(body(import), Duration::ZERO).await?)
    }

    async fn of(&self, client_id: &str, import: ImportId) -> Result<ImportItem, ApiError> {
        let item = self.imports.get(import).await?.filter(|item| item.client_id == client_id);
        item.ok_or_else(|| ApiError::new(ErrorCode::ImportNotFound, "The import does not exist."))
    }

    async fn shown_with_upload(&self, item: ImportItem) -> Result<Import, ApiError> {
        let upload = match item.state {
            ImportState::Waiting => Some(self.objects.sign_upload(item.import_id, item.size, UPLOAD_LIFETIME).await?),
            _ => None,
        };
        Ok(Import { upload, ..shown(item, Timestamp::now()) })
    }
}

/// Returns an import as its backend sees it.
fn shown(item: ImportItem, now: Timestamp) -> Import {
    let is_stalled = item.state == ImportState::Running && now.since(item.progressed_at) > STALLED_AFTER;
    Import {
        import_id: item.import_id,
        source: item.source,
        users: item.users,
        size: item.size,
        state: if is_stalled { ImportState::Failed } else { item.state },
        reason: if is_stalled { Some(ImportFailure::Stalled) } else { item.reason },
        created_at: item.created_at,
        counts: item.counts,
        errors: item.errors,
        upload: None,
    }
}

fn body(import_id: ImportId) -> ImportBody {
    ImportBody { import_id, round: 0 }
}
