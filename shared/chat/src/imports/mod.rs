//! Imports: conversations with their history, out of a file in the format of exports.
//!
//! The whole file is checked before anything is written. Then conversations are brought, small ones many at a time: their files and their
//! logs, under ids that nobody else writes under, and at last their members and the items `#conversation`, with which they are there for all.

mod bring;
mod check;
mod claims;
mod cursor;
mod destinations;
mod errors;
mod file;
mod files;
mod here;
mod job;
mod layout;
mod lines;
mod log;
mod members;
mod memberships;
mod messages;
mod parts;
mod plan;
mod preparing;
mod publish;
mod requests;
mod seqs;
mod together;

pub use destinations::{Archiving, Destinations};
pub use job::ImportJob;
pub use requests::ImportRequests;
