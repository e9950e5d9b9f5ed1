//! The lifecycle of uploaded files: announced, uploaded, inspected, referenced by messages, expired, deleted.
//!
//! * [`Uploads`]: announces files, signs the requests that upload them, completes and cancels uploads.
//! * [`Inspections`]: accepts or rejects uploads.
//! * [`FileReferences`]: keeps which messages reference a file, and expires a file that no message references any more.
//! * [`FileTasks`]: queues what is due later.
//! * [`Files`]: deletes expired files, uploads that never arrived, and the files of deleted users.
//!
//! A file is deleted when no message references it any more, when its owner deletes it before any message does, when its owner is
//! deleted, or when its bytes never arrive. Every step may be repeated, and may race with sends of messages that reference the
//! file: see [`store::dynamodb::files`].

mod cleanup;
mod inspection;
mod references;
mod tasks;
mod upload;
mod upload_error;

pub use cleanup::Files;
pub use inspection::Inspections;
pub use references::FileReferences;
pub use tasks::FileTasks;
pub use upload::{UploadLimits, Uploads};
pub use upload_error::UploadError;
