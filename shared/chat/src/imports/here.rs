//! A conversation and its users as they are to be here: ids, seqs and rows.

use std::collections::BTreeSet;

use domain::{ConversationId, ConversationType, Period, Role, Seq, UserId, subscription};
use store::StoreError;
use store::dynamodb::members::{ActiveMember, ConversationItem, FormerMember};
use store::sql::imports::{ImportedConversation, ImportedPeriod};
use store::sql::users::Found;

use super::bring::{Work, pair};
use super::cursor::LogEnd;
use super::members::Current;
use super::plan::{Ids, PlannedConversation, UNTITLED};

/// Users that one statement reads.
const USERS_PER_STATEMENT: usize = 500;

/// A user of the conversation, with ids and seqs as they are here.
pub(super) struct Membership {
    pub(super) user_id: UserId,
    pub(super) user_deleted: bool,
    pub(super) current: Option<Current>,
    pub(super) past: Vec<Period>,
}

impl Work<'_> {
    /// Returns the conversation as SQL is to have it, without members.
    pub(super) fn conversation(&self, planned: &PlannedConversation) -> ImportedConversation {
        let ids = Ids::of(self.import, &self.saved.plan);
        let line = &planned.line;
        let is_private = line.kind == ConversationType::Private;
        ImportedConversation {
            conversation_id: ids.space.conversation(line.conversation_id, line.kind),
            kind: line.kind,
            title: (!is_private).then(|| line.title.clone().unwrap_or_else(|| UNTITLED.to_owned())),
            topic: line.topic.clone(),
            custom: line.custom.clone(),
            pinned_seqs: line.pinned_seqs.iter().filter_map(|seq| planned.seqs.of(*seq)).collect(),
            history: line.history,
            retention_days: line.retention_days,
            closed: line.closed,
            created_by: planned.beginner().map_or(UserId::SYSTEM, |user| ids.user(user)),
            created_at: planned.times.map_or(self.import.created_at, |(first, _)| first),
            pair: if is_private { pair(&ids, planned) } else { None },
            member_count: 0,
            version: 1,
        }
    }

    /// Returns the users of a conversation. Whoever was deleted meanwhile is no member any more.
    pub(super) fn memberships_of(&self, planned: &PlannedConversation, deleted: &BTreeSet<UserId>) -> Vec<Membership> {
        let ids = Ids::of(self.import, &self.saved.plan);
        let seqs = &planned.seqs;
        let begun_at = planned.begun_at(self.import.created_at);
        // The time of an item that this import made, if that is how the period begins.
        let joined_at = |seq: Seq, at| if seqs.offset > 0 && seqs.joined(seq) == Seq(1) { begun_at } else { at };
        let of_log = |period: Period| Period {
            joined_seq: seqs.joined(period.joined_seq),
            joined_at: joined_at(period.joined_seq, period.joined_at),
            left: period.left.map(|left| domain::period::Left {
                seq: seqs.left(left.seq).max(seqs.joined(period.joined_seq).previous()),
                ..left
            }),
        };
        let mut all: Vec<Membership> = planned
            .memberships()
            .into_iter()
            .map(|(user, current, past)| Membership {
                user_id: ids.user(user),
                user_deleted: false,
                current: current.map(|current| Current {
                    joined_seq: seqs.joined(current.joined_seq),
                    joined_at: joined_at(current.joined_seq, current.joined_at),
                    ..current
                }),
                past: past.into_iter().map(of_log).collect(),
            })
            .collect();
        if planned.line.kind == ConversationType::Private {
            for membership in all.iter_mut().filter(|membership| membership.past.is_empty()) {
                let new = Current { role: Role::Member, joined_seq: Seq(1), joined_at: begun_at, muted_until: None };
                membership.current.get_or_insert(new);
            }
        }
        for membership in all.iter_mut().filter(|membership| deleted.contains(&membership.user_id)) {
            membership.user_deleted = true;
            let end = planned.times.map_or(self.import.created_at, |(_, last)| last);
            membership.past.extend(membership.current.take().map(|current| Period {
                joined_seq: current.joined_seq,
                joined_at: current.joined_at,
                left: Some(domain::period::Left { seq: seqs.head(), at: end.max(current.joined_at) }),
            }));
        }
        all
    }

    /// Returns those users of conversations who were deleted.
    pub(super) async fn deleted_users(&self, sources: &[ConversationId]) -> Result<BTreeSet<UserId>, StoreError> {
        let ids = Ids::of(self.import, &self.saved.plan);
        let members = sources.iter().flat_map(|source| self.saved.plan.conversations[source].members.keys());
        let users: BTreeSet<UserId> = members.map(|user| ids.user(*user)).collect();
        let users: Vec<UserId> = users.into_iter().collect();
        let mut deleted = BTreeSet::new();
        for some in users.chunks(USERS_PER_STATEMENT) {
            let found = self.to.users.get(some).await?;
            deleted.extend(found.iter().filter(|found| matches!(found, Found::Deleted(_))).map(Found::user_id));
        }
        Ok(deleted)
    }

    /// Returns the rows of a user.
    pub(super) fn periods(&self, planned: &PlannedConversation, membership: &Membership) -> Vec<ImportedPeriod> {
        let ids = Ids::of(self.import, &self.saved.plan);
        let user_id = membership.user_id;
        let conversation_id = ids.space.conversation(planned.line.conversation_id, planned.line.kind);
        let member_id =
            |number: usize| ids.space.part(planned.line.conversation_id, &format!("period:{user_id}:{number}"));
        let number = |before: usize| u32::try_from(before + 1).unwrap_or(u32::MAX);
        let past = membership.past.iter().enumerate().map(|(before, period)| ImportedPeriod {
            conversation_id,
            member_id: member_id(before),
            number: number(before),
            user_id,
            role: Role::Member,
            muted_until: None,
            joined_seq: period.joined_seq,
            joined_at: period.joined_at,
            left: period.left,
        });
        let current = membership.current.map(|current| ImportedPeriod {
            conversation_id,
            member_id: member_id(membership.past.len()),
            number: number(membership.past.len()),
            user_id,
            role: current.role,
            muted_until: current.muted_until,
            joined_seq: current.joined_seq,
            joined_at: current.joined_at,
            left: None,
        });
        past.chain(current).collect()
    }
}

pub(super) fn active(conversation_id: ConversationId, membership: &Membership) -> Option<ActiveMember> {
    let Current { role, joined_seq, joined_at, muted_until } = membership.current?;
    Some(ActiveMember { conversation_id, user_id: membership.user_id, role, joined_seq, joined_at, muted_until })
}

pub(super) fn former(conversation_id: ConversationId, membership: &Membership) -> Option<FormerMember> {
    let Membership { user_id, user_deleted, past, .. } = membership;
    let former =
        FormerMember { conversation_id, user_id: *user_id, periods: past.clone(), user_deleted: *user_deleted };
    (!past.is_empty()).then_some(former)
}

pub(super) fn conversation_item(new: &ImportedConversation, end: LogEnd) -> ConversationItem {
    ConversationItem {
        conversation_id: new.conversation_id,
        kind: new.kind,
        title: new.title.clone(),
        topic: new.topic.clone(),
        custom: new.custom.clone(),
        pinned_seqs: new.pinned_seqs.clone(),
        history: new.history,
        retention_days: new.retention_days,
        expired_seq: Seq::ZERO,
        pair: new.pair,
        blocked_by: Vec::new(),
        closed: new.closed,
        departed: None,
        member_count: new.member_count,
        subscription_shards: subscription::shards(new.member_count),
        version: new.version,
        members_seq: end.members_seq,
        changed_seq: end.members_seq,
        changed_at: end.changed_at,
    }
}
