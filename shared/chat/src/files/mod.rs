//! The lifecycle of uploaded files.

mod removal;

pub use removal::{Release, Removal};
