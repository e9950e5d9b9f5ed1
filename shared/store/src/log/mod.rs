//! The conversation log: seqs without holes, each given once.

mod amend;
mod append;
mod history;
mod send;
mod sync;

pub use amend::{AmendError, Amended};
pub use append::{Appended, Draft, Opened, SendError};
pub use history::{Page, PageRequest, ReadError, Surroundings};
pub use send::Delivery;

use crate::dynamodb::{Members, Messages};

/// The log of every conversation, and who may write and read it.
#[derive(Clone, Debug)]
pub struct Log {
    /// The items.
    pub messages: Messages,
    /// Who may see and write them.
    pub members: Members,
}
