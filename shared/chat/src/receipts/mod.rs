//! Receipts: recorded as watermarks, and read back as the status of messages.

mod record;
mod status;

pub use record::{Receipts, Recorded};
pub use status::StatusReader;
