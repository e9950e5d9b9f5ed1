//! The wiring of imports.

use chat::archive::Archiver;
use chat::imports::{Archiving, Destinations, ImportJob, ImportRequests};
use store::dynamodb::{ImportedItems, Imports};
use store::import_objects::ImportObjects;
use store::sql::{FileMetadata, ImportRows};

use super::{Wired, Wiring, days, given, required};

impl Wiring {
    fn import_objects(&self) -> Wired<ImportObjects> {
        Ok(ImportObjects::new(self.s3(), required("EXPORTS_BUCKET")?))
    }

    fn imports(&self) -> Wired<Imports> {
        Ok(Imports::new(self.dynamodb(), required("IMPORTS_TABLE")?))
    }

    pub fn import_requests(&self) -> Wired<ImportRequests> {
        let (imports, objects) = (self.imports()?, self.import_objects()?);
        Ok(ImportRequests { imports, objects, queue: self.queue("IMPORT_QUEUE_URL")? })
    }

    /// Returns the archive for old segments; `None` if nothing moves there.
    fn archiving(&self) -> Wired<Option<Archiving>> {
        let Some(queue) = self.archive_queue()? else { return Ok(None) };
        let (archive, messages, after) = (self.archive()?, self.messages()?, days("ARCHIVE_AFTER")?);
        // A segment that never was in the table leaves no rows to delete.
        let archiver = Archiver { archive, messages, after, deletion_rate: 0 };
        Ok(Some(Archiving { archiver, queue }))
    }

    pub fn import_job(&self) -> Wired<ImportJob> {
        let (messages, members) = (required("MESSAGES_TABLE")?, required("MEMBERS_TABLE")?);
        let to = Destinations {
            rows: ImportRows::new(self.pool()?),
            users: self.users()?,
            members: self.members()?,
            items: ImportedItems::new(self.dynamodb(), messages, members, self.watermarks()?),
            metadata: FileMetadata::new(self.pool()?),
            file_items: self.file_items()?,
            objects: self.objects()?,
            archive: self.archiving()?,
            retention: self.retention_queue()?,
            search: given("SEARCH_REINDEX_QUEUE_URL")?.map(|_| self.queue("SEARCH_REINDEX_QUEUE_URL")).transpose()?,
        };
        Ok(ImportJob {
            imports: self.imports()?,
            objects: self.import_objects()?,
            to,
            queue: self.queue("IMPORT_QUEUE_URL")?,
            schedules: self.schedules("IMPORT_QUEUE_ARN")?,
        })
    }
}
