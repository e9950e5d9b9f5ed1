//! The doors that an import writes through.

use store::dynamodb::{FileItems, ImportedItems, Members};
use store::s3::Objects;
use store::sql::{FileMetadata, ImportRows, Users};
use store::sqs::Queue;

use crate::archive::Archiver;

/// The archive, to which old segments go at once.
#[derive(Clone, Debug)]
pub struct Archiving {
    pub archiver: Archiver,
    /// The queue of the worker that moves the others.
    pub queue: Queue,
}

/// Everything that an import writes to.
#[derive(Clone, Debug)]
pub struct Destinations {
    pub rows: ImportRows,
    pub users: Users,
    pub members: Members,
    pub items: ImportedItems,
    pub metadata: FileMetadata,
    pub file_items: FileItems,
    pub objects: Objects,
    /// `None` in a deployment without an archive.
    pub archive: Option<Archiving>,
    /// The queues of the retention and of the index of the search; `None` in a deployment without.
    pub retention: Option<Queue>,
    pub search: Option<Queue>,
}
