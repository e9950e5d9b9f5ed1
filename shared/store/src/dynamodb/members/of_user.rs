//! All conversations of one user, and what the user sees of them: for a search.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{ConversationId, Period, Periods, UserId};
use serde_dynamo::from_item;

use super::{
    ActiveMember, BY_USER, CONVERSATION, ConversationItem, FORMER, FormerMember, Members, active, entry_of, former, key,
};
use crate::StoreError;
use crate::dynamodb::Item;
use crate::dynamodb::batch::get_all;

/// A conversation that a user is or was in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfUser {
    pub conversation_id: ConversationId,
    /// True if a membership period of the user has ended.
    pub was_left: bool,
}

impl Members {
    /// Finds all conversations that the user is or was in. Eventually consistent, as indexes are. Cost: a request for each 1 MB, some
    /// 5,000 conversations.
    pub async fn all_of_user(&self, user: UserId) -> Result<Vec<OfUser>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_USER)
            .key_condition_expression("user_id = :user")
            .expression_attribute_values(":user", AttributeValue::S(user.to_string()))
            .projection_expression("conversation_id, entry");
        let mut found: HashMap<ConversationId, bool> = HashMap::new();
        let mut start = None;
        loop {
            let page = query.clone().set_exclusive_start_key(start).send().await.map_err(StoreError::dynamodb)?;
            for item in page.items.unwrap_or_default() {
                let was_left = entry_of(&item).is_some_and(|entry| entry.starts_with(FORMER));
                *found.entry(conversation_of(&item)?).or_default() |= was_left;
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                let of_user = |(conversation_id, was_left)| OfUser { conversation_id, was_left };
                return Ok(found.into_iter().map(of_user).collect());
            }
        }
    }

    /// Reads the membership periods of a user in a conversation, oldest first, whatever its history policy shows of it. Cost: one request
    /// and two read units.
    pub async fn membership_periods(
        &self,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Vec<Period>, StoreError> {
        let keys = [former(user), active(user)].map(|entry| key(conversation, entry));
        let mut periods = Vec::new();
        for item in get_all(&self.client, &self.table, keys.to_vec(), true).await? {
            if entry_of(&item).is_some_and(|entry| entry.starts_with(FORMER)) {
                periods.extend(from_item::<_, FormerMember>(item)?.periods);
            } else {
                let ActiveMember { joined_seq, joined_at, .. } = from_item(item)?;
                periods.push(Period { joined_seq, joined_at, left: None });
            }
        }
        periods.sort_by_key(|period| (period.joined_seq, period.joined_at));
        Ok(periods)
    }

    /// Returns what the user sees of these conversations, of those that exist. Eventually consistent, and not isolated from changes:
    /// only [`Members::view`] decides what may be shown. Cost: one request for each 33 conversations, half a read unit for each item.
    pub async fn periods_of_user(
        &self,
        user: UserId,
        conversations: &[ConversationId],
    ) -> Result<HashMap<ConversationId, Periods>, StoreError> {
        let entries =
            |id: &ConversationId| [CONVERSATION.to_owned(), active(user), former(user)].map(|entry| key(*id, entry));
        let keys = conversations.iter().flat_map(entries).collect();
        let (mut found, mut periods) = (HashMap::new(), HashMap::<ConversationId, Vec<Period>>::new());
        for item in get_all(&self.client, &self.table, keys, false).await? {
            let id = conversation_of(&item)?;
            match entry_of(&item).unwrap_or_default() {
                CONVERSATION => {
                    found.insert(id, from_item::<_, ConversationItem>(item)?);
                }
                entry if entry.starts_with(FORMER) => {
                    periods.entry(id).or_default().extend(from_item::<_, FormerMember>(item)?.periods);
                }
                _ => {
                    let ActiveMember { joined_seq, joined_at, .. } = from_item(item)?;
                    periods.entry(id).or_default().push(Period { joined_seq, joined_at, left: None });
                }
            }
        }
        let visible = |(id, conversation): (ConversationId, ConversationItem)| {
            let periods = Periods::visible(periods.remove(&id)?, conversation.history);
            Some((id, periods.after_expiry(conversation.expired_seq)))
        };
        Ok(found.into_iter().filter_map(visible).collect())
    }
}

fn conversation_of(item: &Item) -> Result<ConversationId, StoreError> {
    let id = match item.get("conversation_id") {
        Some(AttributeValue::S(id)) => id.parse().ok(),
        _ => None,
    };
    id.ok_or_else(|| StoreError::Inconsistent("an item of `members` names no conversation".to_owned()))
}
