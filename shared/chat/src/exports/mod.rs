//! Exports: a user's messages, or a conversation, as a ZIP file that a worker writes in steps.
//!
//! A request records an export and queues it. The worker writes the parts of an upload, and after each step a checkpoint, from which any
//! invocation can go on.

mod contents;
mod cursor;
mod files;
mod job;
mod lines;
mod manifest;
mod output;
mod requests;
mod zip;

pub use contents::Sources;
pub use job::{ExportJob, Finished};
pub use requests::ExportRequests;
