//! The archive: old segments of logs lie as chunks on S3, and no reader notices.
//!
//! A log is dense, so a hole at its old end is the border: a reader that finds what it wants in the table asks for nothing else. Rows
//! of an archived segment are newer than its chunk, and count instead of it.

mod archiver;
mod chunk;
mod deletion;
mod erasing;
mod expiry;
mod items;
mod merge;
mod pace;
mod reader;
mod tasks;

pub(crate) use erasing::Change;
pub(crate) use pace::{Pace, units_of};

pub use archiver::{Added, ArchiveError, Archiver, Settled};
pub use items::{Found, Items};
pub use reader::Archive;
pub use tasks::ArchiveTasks;
