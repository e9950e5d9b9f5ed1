//! Reads of a device, with a cursor of its own.

use chat::log::ReadError;
use domain::protocol::SyncedConversation;
use domain::{Seq, UserId};
use rand::RngExt;
use rand::rngs::StdRng;

use super::Device;
use crate::executor;
use crate::history::What;

/// Number of times that a device asks until it leaves it at that.
const MAX_ATTEMPTS: u32 = 20;

/// A page that a device has read.
#[derive(Debug)]
pub(crate) struct Synced {
    pub(crate) user: UserId,
    pub(crate) cursor: Seq,
    /// A seq that was accepted before from the user: the page cannot end before it without saying so.
    pub(crate) known: Seq,
    pub(crate) page: SyncedConversation,
}

impl Device {
    /// Reads a page after its cursor, or from the beginning.
    pub(super) async fn sync(&mut self, rng: &mut StdRng) {
        if rng.random_bool(0.2) {
            self.done.cursor = Seq::ZERO;
        }
        let (cursor, limit) = (self.done.cursor, rng.random_range(1..=8));
        let user = self.conversation.users[self.user];
        let known = self.done.accepted.last().copied().unwrap_or(Seq::ZERO);
        for _ in 0..MAX_ATTEMPTS {
            let read = self.conversation.log.sync(self.conversation.id, user, cursor, limit).await;
            let page = match read {
                Ok(page) => page,
                Err(ReadError::Store(_)) => continue,
                // The user was never a member.
                Err(_) => return,
            };
            let end = page.messages.last().map_or(cursor, |message| message.seq);
            self.done.cursor = if page.more { end } else { page.head_seq.max(cursor) };
            executor::note(What::Synced { cursor: cursor.0, messages: page.messages.len(), head: page.head_seq.0 });
            self.done.synced.push(Synced { user, cursor, known, page });
            return;
        }
    }
}
