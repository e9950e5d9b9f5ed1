//! The end of the work on a conversation: from here on it is there for its members.
//!
//! Its log is whole. The rows of SQL come first, in a conversation that is closed, so that no change of it is allowed; then watermarks and
//! members; then the item `#conversation`, with which there are readers and writers; at last SQL opens it. Every step up to that item is safe
//! to repeat, as nobody sees what it writes. After it nothing is written again but the end of the claim: a reader sees nothing or the
//! whole log, a writer appends behind its head.

use std::collections::BTreeSet;

use domain::receipt::Watermark;
use domain::{ConversationId, ConversationType, Period, Role, Seq, UserId, subscription};
use futures_util::future::try_join;
use store::StoreError;
use store::dynamodb::members::{ActiveMember, ConversationItem, FormerMember};
use store::sql::imports::{ImportedConversation, ImportedPeriod};
use store::sql::users::Found;

use super::bring::{Work, pair, taken};
use super::cursor::{Cursor, LogEnd};
use super::errors::{Errors, StepError};
use super::members::Current;
use super::plan::{Ids, PlannedConversation, UNTITLED};

/// Users that one statement reads, and periods that one writes.
const ROWS_PER_STATEMENT: usize = 500;

/// A user of the conversation, with ids and seqs as they are here.
struct Membership {
    user_id: UserId,
    user_deleted: bool,
    current: Option<Current>,
    past: Vec<Period>,
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

    /// Makes a conversation visible whose log is whole, or begins it again, if one of its users was erased meanwhile.
    pub(super) async fn publish(&mut self, source: ConversationId, end: LogEnd) -> Result<Cursor, StepError> {
        let (import, to) = (self.import.import_id, self.to);
        let planned = &self.saved.plan.conversations[&source];
        let memberships = self.memberships(planned).await?;
        let count = memberships.iter().filter(|membership| membership.current.is_some()).count();
        let mut new = self.conversation(planned);
        new.member_count = u32::try_from(count).unwrap_or(u32::MAX);
        new.closed |= count == 0;
        let numbers = memberships.iter().map(|membership| membership.past.len() as u64 + 1);
        new.version = numbers.max().unwrap_or(1).max(end.changes);
        let id = new.conversation_id;
        let periods: Vec<ImportedPeriod> =
            memberships.iter().flat_map(|membership| self.periods(planned, membership)).collect();
        for periods in periods.chunks(ROWS_PER_STATEMENT) {
            to.rows.add_periods(import, id, periods).await?;
        }
        // An erasure that is younger than this finds the periods.
        if self.erase().await? {
            to.discard(import, id).await?;
            (self.confirmed, self.saved.counts) = (None, self.saved.conversation.counts);
            return Ok(Cursor::After(self.saved.plan.before(source)));
        }
        if !to.rows.complete(import, &new).await? {
            let mut errors = Errors::default();
            let (name, line) = &self.saved.plan.conversations[&source].at;
            errors.add(name, Some(*line), taken());
            return Err(StepError::Invalid(errors.list));
        }
        let active: Vec<ActiveMember> = memberships.iter().filter_map(|membership| active(id, membership)).collect();
        let former: Vec<FormerMember> = memberships.iter().filter_map(|membership| former(id, membership)).collect();
        let users: Vec<UserId> = active.iter().map(|member| member.user_id).collect();
        let mark = Watermark { seq: end.seq, at: self.import.created_at };
        try_join(to.items.put_watermarks(id, &users, mark), to.items.put_members(&active, &former)).await?;
        to.items.put_conversation(&conversation_item(&new, end)).await?;
        let archived = std::mem::take(&mut self.saved.conversation.archived);
        self.open(source, Some(&archived)).await?;
        Ok(Cursor::After(Some(source)))
    }

    /// Hands a visible conversation to its users, and tells those who work on what is visible. `archived` are the first seqs of the segments
    /// that are in the archive, if that is known.
    pub(super) async fn open(
        &mut self,
        source: ConversationId,
        archived: Option<&BTreeSet<Seq>>,
    ) -> Result<(), StepError> {
        let id = self.conversation(&self.saved.plan.conversations[&source]).conversation_id;
        self.to.open(self.import.import_id, id, archived).await?;
        self.count(source);
        Ok(())
    }

    /// Notes who of the authors of the conversation was erased meanwhile. Returns true if somebody was.
    async fn erase(&mut self) -> Result<bool, StoreError> {
        let authors: Vec<UserId> = self.saved.conversation.authors.difference(&self.saved.erased).copied().collect();
        let known = self.saved.erased.len();
        for some in authors.chunks(ROWS_PER_STATEMENT) {
            self.saved.erased.extend(self.to.rows.erased(some).await?);
        }
        Ok(self.saved.erased.len() > known)
    }

    /// Counts a conversation that is there.
    pub(super) fn count(&mut self, source: ConversationId) {
        self.saved.counts.conversations += 1;
        self.saved.counts.members += self.saved.plan.conversations[&source].memberships().len() as u64;
    }

    /// Returns the users of a conversation. Whoever was deleted meanwhile is no member any more.
    async fn memberships(&self, planned: &PlannedConversation) -> Result<Vec<Membership>, StoreError> {
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
        let mut deleted = BTreeSet::new();
        for some in all.chunks(ROWS_PER_STATEMENT) {
            let users: Vec<UserId> = some.iter().map(|membership| membership.user_id).collect();
            let found = self.to.users.get(&users).await?;
            deleted.extend(found.iter().filter(|found| matches!(found, Found::Deleted(_))).map(Found::user_id));
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
        Ok(all)
    }

    /// Returns the rows of a user.
    fn periods(&self, planned: &PlannedConversation, membership: &Membership) -> Vec<ImportedPeriod> {
        let ids = Ids::of(self.import, &self.saved.plan);
        let user_id = membership.user_id;
        let member_id =
            |number: usize| ids.space.part(planned.line.conversation_id, &format!("period:{user_id}:{number}"));
        let number = |before: usize| u32::try_from(before + 1).unwrap_or(u32::MAX);
        let past = membership.past.iter().enumerate().map(|(before, period)| ImportedPeriod {
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

fn active(conversation_id: ConversationId, membership: &Membership) -> Option<ActiveMember> {
    let Current { role, joined_seq, joined_at, muted_until } = membership.current?;
    Some(ActiveMember { conversation_id, user_id: membership.user_id, role, joined_seq, joined_at, muted_until })
}

fn former(conversation_id: ConversationId, membership: &Membership) -> Option<FormerMember> {
    let Membership { user_id, user_deleted, past, .. } = membership;
    let former =
        FormerMember { conversation_id, user_id: *user_id, periods: past.clone(), user_deleted: *user_deleted };
    (!past.is_empty()).then_some(former)
}

fn conversation_item(new: &ImportedConversation, end: LogEnd) -> ConversationItem {
    ConversationItem {
        conversation_id: new.conversation_id,
        kind: new.kind,
        title: new.title.clone(),
        topic: new.topic.clone(),
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
