//! Imports: conversations with their history, out of a file in the format of exports.
//!
//! The whole file is checked before anything is written. Then one conversation after the other is brought: its files and its log, under an
//! id that nobody else writes under, and at last its members and the item `#conversation`, with which it is there for all.

mod bring;
mod check;
mod cursor;
mod destinations;
mod discard;
mod errors;
mod file;
mod files;
mod job;
mod layout;
mod lines;
mod log;
mod members;
mod memberships;
mod messages;
mod plan;
mod publish;
mod requests;
mod seqs;

pub use destinations::{Archiving, Destinations};
pub use job::ImportJob;
pub use requests::ImportRequests;
