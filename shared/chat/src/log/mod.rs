//! The conversation log: seqs without gaps, each used once.

mod amend;
mod append;
mod attachment;
mod history;
mod item_batch;
mod pins;
mod reply_targets;
mod send_error;
mod shown;
mod sync;
mod unread;

pub use amend::{AmendError, Amended};
pub use append::{Appended, AppendedBatch, Draft, LogCache, Opened, PAIR_FORGOTTEN, Refusal};
pub use history::{Page, PageRequest, ReadError, Surroundings, require_member, require_reader};
pub use item_batch::{ItemBatch, Viewer};
pub use send_error::SendError;

pub(crate) use append::may_send;
pub use append::require_may_send;
use domain::flood::FloodLimit;
use store::dynamodb::{Members, Messages};

use crate::archive::{Archive, Items};

/// The logs of all conversations, with the rules for writing and reading them.
#[derive(Clone, Debug)]
pub struct Log {
    pub messages: Messages,
    pub members: Members,
    /// The older items, which are no rows any more; `None` in functions that read only the newest items.
    pub archive: Option<Archive>,
    /// Limit of messages per sender and conversation; `None` for no limit.
    pub flood_limit: Option<FloodLimit>,
    /// What the process remembers of the logs that it writes to.
    pub cache: LogCache,
}

impl Log {
    /// Returns the items of the logs, wherever they are.
    pub fn items(&self) -> Items {
        Items { messages: self.messages.clone(), archive: self.archive.clone() }
    }
}
