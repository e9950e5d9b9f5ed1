//! Removes and adds members while others write.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{Timestamp, UserId};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use tokio::sync::watch;

use crate::talk::Talk;

/// Number of changes before all users are added again.
const CHANGES: usize = 18;

/// A change of membership.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) user: UserId,
    /// True for an addition, false for a removal.
    pub(crate) joined: bool,
}

/// Changes who is in. `inside` are in at first, and all of `users` at last.
pub(crate) async fn come_and_go(
    talk: &Talk,
    users: &[UserId],
    mut inside: BTreeSet<UserId>,
    mut chance: StdRng,
    over: watch::Sender<u64>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for number in 0.. {
        let user = if number < CHANGES {
            *users.choose(&mut chance).expect("users")
        } else if let Some(user) = users.iter().find(|user| !inside.contains(user)) {
            *user
        } else {
            break;
        };
        // The relay's clock may be ahead of the writers'.
        let now = Timestamp::now().plus(Duration::from_millis(chance.random_range(0..200)));
        let joined = inside.insert(user);
        let seq = if joined {
            talk.join_at(user, now).await
        } else {
            inside.remove(&user);
            talk.leave_at(user, now).await
        };
        changes.push(Change { seq, user, joined });
        over.send_replace(seq);
        // The clock here are round trips: however fast the machine, the writers do something meanwhile.
        for _ in 0..chance.random_range(0..4) {
            talk.head().await;
        }
    }
    changes
}
