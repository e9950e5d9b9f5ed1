//! Blocks between two users, for the paths that show presence, typing and receipts in any conversation.
//!
//! A block has two items, since it is asked for from both sides: `blocks#<user>` has the users whom the user blocks, and
//! `blockers#<user>` the users who block them. The relay writes both with the change of the private conversation.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use domain::UserId;

use super::{Members, entry_key, entry_of};
use crate::StoreError;

impl Members {
    /// Returns the writes that make the blocks of a pair those of its private conversation.
    pub fn set_blocks(&self, pair: [UserId; 2], blocked_by: &[UserId]) -> Result<Vec<TransactWriteItem>, StoreError> {
        let [one, other] = pair;
        let mut writes = Vec::new();
        for (blocker, blocked) in [(one, other), (other, one)] {
            for key in
                [entry_key(blocks(blocker), blocked.to_string()), entry_key(blockers(blocked), blocker.to_string())]
            {
                let write = TransactWriteItem::builder();
                writes.push(if blocked_by.contains(&blocker) {
                    let put = Put::builder().table_name(&self.table).set_item(Some(key)).build();
                    write.put(put.map_err(StoreError::building)?).build()
                } else {
                    let delete = Delete::builder().table_name(&self.table).set_key(Some(key)).build();
                    write.delete(delete.map_err(StoreError::building)?).build()
                });
            }
        }
        Ok(writes)
    }

    /// Finds the users among `users` who block `user`. Cost: as [`Self::blocked_among`].
    pub async fn blockers_among(&self, user: UserId, users: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
        self.others_among(blockers(user), users).await
    }

    /// Finds the users among `users` whom `user` blocks.
    ///
    /// Cost: one consistent request and one read unit, up to some 40 blocks between the least and the greatest of the ids; no
    /// request for an empty list.
    pub async fn blocked_among(&self, user: UserId, users: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
        self.others_among(blocks(user), users).await
    }

    async fn others_among(&self, partition: String, users: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
        let (Some(first), Some(last)) = (users.iter().min(), users.iter().max()) else { return Ok(HashSet::new()) };
        let asked: HashSet<UserId> = users.iter().copied().collect();
        let items = self.between(partition, first.to_string(), last.to_string()).await?;
        let mut found = HashSet::new();
        for item in items {
            let user = entry_of(&item).and_then(|entry| entry.parse().ok());
            let user = user.ok_or_else(|| StoreError::Inconsistent("a block names no user".to_owned()))?;
            found.extend(asked.contains(&user).then_some(user));
        }
        Ok(found)
    }
}

fn blocks(user: UserId) -> String {
    format!("blocks#{user}")
}

fn blockers(user: UserId) -> String {
    format!("blockers#{user}")
}
