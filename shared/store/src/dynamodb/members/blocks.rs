//! Blocks between two users, for the paths that show presence, typing and receipts in any conversation.
//!
//! A block has two items, since it is asked for from both sides: `blocks#<user>` has the users whom the user blocks, and
//! `blockers#<user>` the users who block them. The relay writes both with the change of the private conversation; for users without
//! one, the request does that sets the block.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use domain::UserId;

use super::{Item, Members, entry_key, entry_of};
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

    /// Reads up to `limit` users whom `user` blocks, after `after`, in the order of their ids. Cost: one consistent request, a unit for
    /// each 4 KB.
    pub async fn blocked_by(
        &self,
        user: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        let partition = blocks(user);
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("conversation_id = :partition")
            .expression_attribute_values(":partition", AttributeValue::S(partition.clone()))
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after.map(|user| entry_key(partition, user.to_string())))
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        page.items.unwrap_or_default().iter().map(other).collect()
    }

    async fn others_among(&self, partition: String, users: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
        let (Some(first), Some(last)) = (users.iter().min(), users.iter().max()) else { return Ok(HashSet::new()) };
        let asked: HashSet<UserId> = users.iter().copied().collect();
        let items = self.between(partition, first.to_string(), last.to_string()).await?;
        let mut found = HashSet::new();
        for item in items {
            let user = other(&item)?;
            found.extend(asked.contains(&user).then_some(user));
        }
        Ok(found)
    }
}

/// Returns the other user of a block.
fn other(item: &Item) -> Result<UserId, StoreError> {
    let user = entry_of(item).and_then(|entry| entry.parse().ok());
    user.ok_or_else(|| StoreError::Inconsistent("a block names no user".to_owned()))
}

fn blocks(user: UserId) -> String {
    format!("blocks#{user}")
}

fn blockers(user: UserId) -> String {
    format!("blockers#{user}")
}
