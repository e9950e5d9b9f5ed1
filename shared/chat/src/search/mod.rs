//! Search for messages: the index of the texts of all conversations, and what a user finds in it.
//!
//! The index is late and knows no membership, so it only proposes: every hit is read from the log again, as history shows it, and has
//! to match what was searched for.

mod change;
mod new_index;
mod page;
mod reindex;
mod request;
mod scope;

pub use change::change_of;
pub use page::Search;
pub use reindex::{Reindex, ReindexError};
pub use request::SearchRequest;
