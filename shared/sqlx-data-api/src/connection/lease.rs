//! The migration lock of a connection; `migrate` acquires and releases it.

use uuid::Uuid;

/// The lock while it is held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    pub(crate) owner: Uuid,
}
