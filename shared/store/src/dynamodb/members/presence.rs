//! Members whose membership period covers a given seq.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{ConversationId, Periods, Seq, UserId};
use serde_dynamo::from_item;

use super::{ACTIVE, ActiveMember, FormerMember, Members, active, entry_of, former};
use crate::StoreError;

/// Cursor of a list of members, former ones included: the sort key after which it continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry(String);

/// Text that is no sort key of a member.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the value is not a sort key of a member")]
pub struct NoEntry;

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Entry {
    type Err = NoEntry;

    fn from_str(text: &str) -> Result<Self, NoEntry> {
        let (kind, user) = text.split_once('#').ok_or(NoEntry)?;
        let user: UserId = user.parse().map_err(|_| NoEntry)?;
        match kind {
            "a" => Ok(Self(active(user))),
            "p" => Ok(Self(former(user))),
            _ => Err(NoEntry),
        }
    }
}

impl Members {
    /// Reads the next `limit` members, including former ones. Returns those whose membership period covers `seq`, and the
    /// cursor of the next page. Current members come first, each group in no order. Cost: one consistent request.
    pub async fn present_at(
        &self,
        conversation: ConversationId,
        seq: Seq,
        after: Option<&Entry>,
        limit: usize,
    ) -> Result<(Vec<UserId>, Option<Entry>), StoreError> {
        let after = after.map_or(ACTIVE, |Entry(entry)| entry);
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("conversation_id = :conversation AND entry > :after")
            .expression_attribute_values(":conversation", AttributeValue::S(conversation.to_string()))
            .expression_attribute_values(":after", AttributeValue::S(after.to_owned()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .consistent_read(true)
            .send()
            .await
            .map_err(StoreError::dynamodb)?;
        // A query is not isolated from transactions: a user who leaves meanwhile may appear as a member and as a former one.
        let mut users = BTreeSet::new();
        for item in page.items.unwrap_or_default() {
            if entry_of(&item).is_some_and(|entry| entry.starts_with(ACTIVE)) {
                let member: ActiveMember = from_item(item)?;
                users.extend((member.joined_seq <= seq).then_some(member.user_id));
            } else {
                let former: FormerMember = from_item(item)?;
                users.extend(Periods::new(former.periods).covers(seq).then_some(former.user_id));
            }
        }
        let next = page.last_evaluated_key.as_ref().and_then(entry_of).map(|entry| Entry(entry.to_owned()));
        Ok((users.into_iter().collect(), next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sort_keys_of_members_are_cursors() {
        let user = "00000000-0000-0000-0000-000000000001";
        for entry in [format!("a#{user}"), format!("p#{user}")] {
            assert_eq!(entry.parse::<Entry>().unwrap(), Entry(entry));
        }
        for entry in ["", "a#", "#conversation", &format!("#{user}"), &format!("b#{user}"), user] {
            assert!(entry.parse::<Entry>().is_err(), "{entry}");
        }
    }
}
