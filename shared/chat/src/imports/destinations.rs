//! The doors that an import writes through.

use store::dynamodb::{FileItems, ImportedItems, Members};
use store::s3::Objects;
use store::sql::{FileMetadata, ImportRows, Users};
use store::sqs::Queue;

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
    /// The queues of the archive, the retention and the index of the search; `None` in a deployment without.
    pub archive: Option<Queue>,
    pub retention: Option<Queue>,
    pub search: Option<Queue>,
}
