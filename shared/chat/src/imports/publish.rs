//! The end of the work on a conversation: from here on it is there for its members.
//!
//! Its log is whole. The rows of SQL come first, in a conversation that is closed, so that no change of it is allowed; then watermarks and
//! members; then the item `#conversation`, with which there are readers and writers; at last SQL opens it. Every step up to that item is safe
//! to repeat, as nobody sees what it writes. After it nothing is written again but the end of the claim: a reader sees nothing or the
//! whole log, a writer appends behind its head.

use std::collections::BTreeSet;
use std::slice;

use domain::import::ImportCounts;
use domain::receipt::Watermark;
use domain::{ConversationId, Seq, UserId};
use futures_util::future::try_join;
use futures_util::{StreamExt, TryStreamExt, stream};
use store::StoreError;
use store::dynamodb::members::{ActiveMember, FormerMember};
use store::sql::imports::{ImportedConversation, ImportedPeriod};

use super::bring::{Work, taken};
use super::claims::Visible;
use super::cursor::LogEnd;
use super::errors::{Errors, StepError};
use super::here::{Membership, active, conversation_item, former};

/// Authors that one statement asks for, and periods that one writes.
const ROWS_PER_STATEMENT: usize = 500;

/// Items `#conversation` that are put at once.
const ITEMS_AT_ONCE: usize = 16;

/// A conversation whose log is whole.
pub(super) struct Written {
    pub(super) source: ConversationId,
    pub(super) end: LogEnd,
    /// Whoever wrote or reacted, as they are here.
    pub(super) authors: BTreeSet<UserId>,
    /// First seqs of the segments that are in the archive.
    pub(super) archived: BTreeSet<Seq>,
    /// The numbers that it adds once it is there.
    pub(super) counts: ImportCounts,
}

/// The same with what SQL and the tables are to have of it.
struct Whole {
    written: Written,
    new: ImportedConversation,
    memberships: Vec<Membership>,
}

impl Work<'_> {
    /// Makes conversations visible whose logs are whole. Returns those of whose users some were erased meanwhile: nothing is stored of them any
    /// more.
    pub(super) async fn publish(&mut self, written: Vec<Written>) -> Result<Vec<ConversationId>, StepError> {
        if written.is_empty() {
            return Ok(Vec::new());
        }
        let (import, to) = (self.import.import_id, self.to);
        let sources: Vec<ConversationId> = written.iter().map(|written| written.source).collect();
        let deleted = self.deleted_users(&sources).await?;
        let all: Vec<Whole> = written.into_iter().map(|written| self.whole(written, &deleted)).collect();
        let periods: Vec<ImportedPeriod> = all.iter().flat_map(|whole| self.all_periods(whole)).collect();
        for periods in periods.chunks(ROWS_PER_STATEMENT) {
            to.rows.add_periods(import, periods).await?;
        }
        // An erasure that is younger than this finds the periods.
        let erased = self.erased_since(&all).await?;
        let (whole, again): (Vec<Whole>, Vec<Whole>) =
            all.into_iter().partition(|whole| whole.written.authors.is_disjoint(&erased));
        self.saved.erased.extend(erased);
        for Whole { new, .. } in &again {
            to.discard(import, new.conversation_id).await?;
        }
        let again = again.into_iter().map(|whole| whole.written.source).collect();
        if !whole.is_empty() {
            self.complete(&whole).await?;
            self.show(whole).await?;
        }
        Ok(again)
    }

    fn whole(&self, written: Written, deleted: &BTreeSet<UserId>) -> Whole {
        let planned = &self.saved.plan.conversations[&written.source];
        let memberships = self.memberships_of(planned, deleted);
        let count = memberships.iter().filter(|membership| membership.current.is_some()).count();
        let mut new = self.conversation(planned);
        new.member_count = u32::try_from(count).unwrap_or(u32::MAX);
        new.closed |= count == 0;
        let numbers = memberships.iter().map(|membership| membership.past.len() as u64 + 1);
        new.version = numbers.max().unwrap_or(1).max(written.end.changes);
        Whole { written, new, memberships }
    }

    fn all_periods(&self, Whole { written, memberships, .. }: &Whole) -> Vec<ImportedPeriod> {
        let planned = &self.saved.plan.conversations[&written.source];
        memberships.iter().flat_map(|membership| self.periods(planned, membership)).collect()
    }

    /// Returns the authors of conversations who were erased since the users were created.
    async fn erased_since(&self, all: &[Whole]) -> Result<BTreeSet<UserId>, StoreError> {
        let authors: BTreeSet<UserId> = all.iter().flat_map(|whole| &whole.written.authors).copied().collect();
        let authors: Vec<UserId> = authors.difference(&self.saved.erased).copied().collect();
        let mut erased = BTreeSet::new();
        for some in authors.chunks(ROWS_PER_STATEMENT) {
            erased.extend(self.to.rows.erased(some).await?);
        }
        Ok(erased)
    }

    /// Gives the rows of conversations what they are to have.
    async fn complete(&self, whole: &[Whole]) -> Result<(), StepError> {
        let (import, rows) = (self.import.import_id, &self.to.rows);
        let new: Vec<ImportedConversation> = whole.iter().map(|whole| whole.new.clone()).collect();
        let wanted: Vec<_> = new.iter().filter_map(|new| Some((new.pair?, new.conversation_id))).collect();
        if !wanted.is_empty() {
            // Checked before, but users may have blocked each other since.
            let refused = rows.taken_pairs(&wanted).await?;
            if let Some(whole) = whole.iter().find(|whole| whole.new.pair.is_some_and(|pair| refused.contains(&pair))) {
                return Err(self.pair_taken(whole));
            }
        }
        if rows.complete(import, &new).await? {
            return Ok(());
        }
        // One of them is the reason.
        for (whole, new) in whole.iter().zip(&new) {
            if !rows.complete(import, slice::from_ref(new)).await? {
                return Err(self.pair_taken(whole));
            }
        }
        Ok(())
    }

    fn pair_taken(&self, whole: &Whole) -> StepError {
        let mut errors = Errors::default();
        let (name, line) = &self.saved.plan.conversations[&whole.written.source].at;
        errors.add(name, Some(*line), taken());
        StepError::Invalid(errors.list)
    }

    /// Puts what readers and writers of conversations need, and hands them to their users.
    async fn show(&mut self, whole: Vec<Whole>) -> Result<(), StepError> {
        let (import, to) = (self.import.import_id, self.to);
        let (mut marks, mut current, mut past): (Vec<_>, Vec<ActiveMember>, Vec<FormerMember>) = Default::default();
        for Whole { written, new, memberships } in &whole {
            let id = new.conversation_id;
            let mark = Watermark { seq: written.end.seq, at: self.import.created_at };
            let members = memberships.iter().filter_map(|membership| active(id, membership));
            current.extend(members.inspect(|member| marks.push((id, member.user_id, mark))));
            past.extend(memberships.iter().filter_map(|membership| former(id, membership)));
        }
        try_join(to.items.put_watermarks(&marks), to.items.put_members(&current, &past)).await?;
        let put = whole.iter().map(async |Whole { written, new, .. }| {
            to.items.put_conversation(&conversation_item(new, written.end)).await
        });
        let put: Vec<bool> = stream::iter(put).buffered(ITEMS_AT_ONCE).try_collect().await?;
        let mut visible = Vec::with_capacity(whole.len());
        for (Whole { written, new, .. }, is_new) in whole.into_iter().zip(put) {
            let id = new.conversation_id;
            if is_new {
                let archived = Some(written.archived);
                visible.push(Visible { id, closed: new.closed, head: written.end.seq, archived });
            } else {
                to.open_visible(import, id).await?;
            }
            self.saved.counts += written.counts;
            self.count(written.source);
        }
        Ok(to.open(import, &visible).await?)
    }

    /// Counts a conversation that is there.
    pub(super) fn count(&mut self, source: ConversationId) {
        self.saved.counts.conversations += 1;
        self.saved.counts.members += self.saved.plan.conversations[&source].memberships().len() as u64;
    }
}
