//! Removes and adds members while others write.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{Timestamp, UserId};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use tokio::sync::watch;

use super::check::Change;
use crate::conversation::TestConversation;

/// Number of changes before all users are added again.
const CHANGES: usize = 18;

/// Removes and adds members. Begins with `members` and ends with all of `users`.
pub(crate) async fn change_members(
    conversation: &TestConversation,
    users: &[UserId],
    mut members: BTreeSet<UserId>,
    mut rng: StdRng,
    newest_change: watch::Sender<u64>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for number in 0.. {
        let user = if number < CHANGES {
            *users.choose(&mut rng).expect("users")
        } else if let Some(user) = users.iter().find(|user| !members.contains(user)) {
            *user
        } else {
            break;
        };
        // The relay's clock may be ahead of the writers'.
        let now = Timestamp::now().plus(Duration::from_millis(rng.random_range(0..200)));
        let joined = members.insert(user);
        let seq = if joined {
            conversation.join_at(user, now).await
        } else {
            members.remove(&user);
            conversation.leave_at(user, now).await
        };
        changes.push(Change { seq, user, joined, silent: None });
        newest_change.send_replace(seq);
        // The clock here are round trips: however fast the machine, the writers do something meanwhile.
        for _ in 0..rng.random_range(0..4) {
            conversation.head().await;
        }
    }
    changes
}
