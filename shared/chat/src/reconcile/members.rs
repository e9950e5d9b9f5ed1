//! Members of a conversation: what SQL has, and the writes that make DynamoDB have the same.

use std::collections::BTreeMap;

use domain::period::Left;
use domain::{ConversationId, Period, Seq, UserId};
use store::StoreError;
use store::dynamodb::members::{ActiveMember, FormerMember};
use store::dynamodb::{Members, Write};
use store::sql::reconcile::PeriodRow;

use super::{Finding, FindingKind};

/// Members of one page, as SQL has them.
#[derive(Default)]
pub(super) struct Expected {
    pub(super) active: BTreeMap<UserId, ActiveMember>,
    pub(super) former: BTreeMap<UserId, FormerMember>,
    /// Active members who are deleted users.
    pub(super) deleted: Vec<UserId>,
    /// True if a period refers to a seq that the log does not have.
    pub(super) beyond_log: bool,
}

impl Expected {
    /// Reads rows against a log that ends at `head`: nobody joined or left later.
    pub(super) fn of(conversation: ConversationId, rows: &[PeriodRow], head: Seq) -> Self {
        let mut expected = Self::default();
        for row in rows {
            let (next, user_id) = (head.next(), row.user_id);
            let joined_seq = row.joined_seq.unwrap_or(next).min(next);
            let left = row.left.map(|(at, seq)| (at, seq.unwrap_or(head).min(head)));
            expected.beyond_log |=
                Some(joined_seq) != row.joined_seq || left != row.left.and_then(|(at, seq)| Some((at, seq?)));
            let left = left.map(|(at, seq)| Left { seq, at });
            if left.is_some() {
                let former = expected.former.entry(user_id).or_insert_with(|| FormerMember {
                    conversation_id: conversation,
                    user_id,
                    periods: Vec::new(),
                    user_deleted: row.user_deleted,
                });
                former.periods.push(Period { joined_seq, joined_at: row.joined_at, left });
                continue;
            }
            expected.deleted.extend(row.user_deleted.then_some(user_id));
            let (role, joined_at, muted_until) = (row.role, row.joined_at, row.muted_until);
            let member =
                ActiveMember { conversation_id: conversation, user_id, role, joined_seq, joined_at, muted_until };
            expected.active.insert(user_id, member);
        }
        expected
    }

    /// Compares with the items of the same users; returns the findings, and the writes that end them.
    pub(super) fn compare(
        mut self,
        members: &Members,
        conversation: ConversationId,
        active: Vec<ActiveMember>,
        former: Vec<FormerMember>,
    ) -> Result<(Vec<Finding>, Vec<Write>), StoreError> {
        let (mut findings, mut writes) = (Vec::new(), Vec::new());
        let mut found = |kind, user, write: Option<Write>| {
            findings.push(Finding::of(kind, conversation).user(user));
            writes.extend(write);
        };
        for item in active {
            let user = item.user_id;
            match self.active.remove(&user) {
                Some(expected) if expected == item => {}
                Some(expected) => found(FindingKind::ActiveMember, user, Some(members.put_active(&expected)?)),
                None => {
                    found(FindingKind::UnknownActiveMember, user, Some(members.delete_active(conversation, user)?));
                }
            }
        }
        for item in former {
            let user = item.user_id;
            let expected = self.former.remove(&user);
            if item.user_deleted && expected.as_ref().is_none_or(|expected| !expected.user_deleted) {
                // A deletion is never undone: the item stays as it is.
                found(FindingKind::DeletionLost, user, None);
                continue;
            }
            match expected {
                Some(expected) if expected.periods == item.periods => {}
                Some(expected) => found(FindingKind::FormerMember, user, Some(members.put_former(&expected)?)),
                None => {
                    found(FindingKind::UnknownFormerMember, user, Some(members.delete_former(conversation, user)?));
                }
            }
        }
        for (user, expected) in self.active {
            found(FindingKind::ActiveMember, user, Some(members.put_active(&expected)?));
        }
        for (user, expected) in self.former {
            found(FindingKind::FormerMember, user, Some(members.put_former(&expected)?));
        }
        for user in self.deleted {
            found(FindingKind::MembershipOfDeletedUser, user, None);
        }
        Ok((findings, writes))
    }
}
