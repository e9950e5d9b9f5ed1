//! Erasure: everything that a deleted user wrote goes, wherever it is, and its seqs stay.
//!
//! * **Only where the user was.** SQL lists the conversations, and the user's membership periods say which parts of their logs to go
//!   through. Messages from before that the user reacted to are found by the events.
//! * **One item says it.** The item `user_erased` tells clients to forget their copies, and counts as a change of the members: so no send or
//!   edit that was under way succeeds behind it. Everything that the user wrote is below it.
//! * **A message becomes what a deleted one is**, in its row and in its chunk. Each change names the item `user_erased` as the
//!   newest event about the message, so that no older state of it wins.
//! * **Looked through twice.** Workers of the archive and of exports may have read what was there before. After a grace, in which their
//!   invocations have ended, what they have written is found.
//! * **A hold stops it** in its conversation, and the end of the hold lets it go on.
//!
//! Progress is in SQL, so a worker goes on where another one crashed.

mod conversation;
mod exports;
mod item;
mod job;
mod segment;

pub(crate) use item::erase_words;

use std::time::Duration;

use domain::{ConversationId, UserId};
use store::dynamodb::{Connections, Exports, Members, Mentions, Watermarks};
use store::export_objects::ExportObjects;
use store::sql::Erasures;
use store::sqs::{ErasureBody, Queue, RELAY_DELAY};
use store::{Schedules, StoreError};

use crate::archive::{Archiver, Items};
use crate::files::FileReferences;

/// Erasures that one statement reads to let them go on.
const USERS_PER_PAGE: usize = 100;

/// Erases what deleted users wrote, step by step.
#[derive(Clone, Debug)]
pub struct ErasureJob {
    pub erasures: Erasures,
    pub members: Members,
    pub items: Items,
    pub archiver: Archiver,
    pub references: FileReferences,
    pub watermarks: Watermarks,
    pub mentions: Mentions,
    pub connections: Connections,
    pub exports: Exports,
    pub export_objects: ExportObjects,
    /// The queue of the worker that writes exports, and deletes what is left of cancelled ones.
    pub export_queue: Queue,
    /// The queue that deletes from the index of the search; `None` without a search.
    pub search: Option<Queue>,
    /// The queue of the worker that deletes files.
    pub files: Queue,
    pub fanout: Queue,
    pub queue: Queue,
    /// Send to the same queue.
    pub schedules: Schedules,
    /// Time after which no invocation is left that has read what is erased now; at most a quarter of an hour.
    pub grace: Duration,
}

/// Records what is to be erased, and queues it.
#[derive(Clone, Debug)]
pub struct ErasureRequests {
    pub erasures: Erasures,
    pub queue: Queue,
}

impl ErasureRequests {
    /// Records that a user is deleted, and that everything of theirs is to be erased. Safe to repeat. Cost: a queue message and a
    /// statement.
    pub async fn begin(&self, user: UserId) -> Result<(), StoreError> {
        // Queued first, so that a crash after the statement leaves no erasure that nobody works on.
        self.queue.send_erasure(&[ErasureBody::all_of(user)], RELAY_DELAY).await?;
        self.erasures.request(user).await
    }

    /// Has the work begin now, or go on.
    pub async fn go_on(&self, user: UserId) -> Result<(), StoreError> {
        self.queue.send_erasure(&[ErasureBody::all_of(user)], Duration::ZERO).await
    }

    /// Has the erasures go on that the hold of a conversation had stopped. Cost: a statement for each hundred users, and a queue message
    /// for each user.
    pub async fn released(&self, conversation: ConversationId) -> Result<(), StoreError> {
        let mut after = UserId::SYSTEM;
        loop {
            let users = self.erasures.of_conversation(conversation, after, USERS_PER_PAGE).await?;
            let bodies: Vec<ErasureBody> = users.iter().map(|user| ErasureBody::of(*user, conversation)).collect();
            self.queue.send_erasure(&bodies, Duration::ZERO).await?;
            match users.last() {
                Some(last) if users.len() == USERS_PER_PAGE => after = *last,
                _ => return Ok(()),
            }
        }
    }
}
