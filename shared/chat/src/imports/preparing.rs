//! The steps before the first conversation: the check of the file, and its users.

use std::collections::BTreeMap;

use domain::{ConversationType, Timestamp, UserId};

use super::bring::{Work, pair, taken};
use super::cursor::Cursor;
use super::errors::StepError;
use super::file::{Entry, check_size};
use super::plan::{Ids, PlannedConversation};

/// Users that one statement creates.
const USERS_PER_STEP: usize = 500;

/// Pairs of users that one statement looks for.
const PAIRS_PER_STATEMENT: usize = 1_000;

/// Entries of a step of the check that are read at once, and most bytes of them.
const ENTRIES_AT_ONCE: usize = 500;
const BYTES_AT_ONCE: u64 = 64 << 20;

impl Work<'_> {
    /// Checks some entries, or the whole once all are checked.
    pub(super) async fn check(&mut self, entry: usize) -> Result<Cursor, StepError> {
        let lines = self.layout.lines.get(entry..).unwrap_or_default();
        let entries = lines.iter().map(|(kind, place)| (*kind, &self.file.entries[*place]));
        let mut bytes = 0;
        let next: Vec<_> = entries
            .take(ENTRIES_AT_ONCE)
            .take_while(|(_, listed)| {
                bytes += listed.size;
                bytes <= BYTES_AT_ONCE.max(listed.size)
            })
            .collect();
        if next.is_empty() {
            self.finish_check().await?;
            return Ok(Cursor::Users { after: None });
        }
        let entries: Vec<&Entry> = next.iter().map(|(_, listed)| *listed).collect();
        let read = match self.file.read_all(&entries).await {
            Err(StepError::Invalid(errors)) => {
                self.errors.list.extend(errors);
                return Err(StepError::Invalid(std::mem::take(&mut self.errors.list)));
            }
            read => read?,
        };
        for ((kind, listed), read) in next.iter().zip(read) {
            match read {
                Ok(bytes) => self.saved.plan.check(*kind, &listed.name, &bytes, Timestamp::now(), &mut self.errors),
                Err(StepError::Invalid(errors)) => self.errors.list.extend(errors),
                Err(error) => return Err(error),
            }
            if self.errors.is_full() {
                return Err(StepError::Invalid(std::mem::take(&mut self.errors.list)));
            }
        }
        Ok(Cursor::Check { entry: entry + next.len() })
    }

    async fn finish_check(&mut self) -> Result<(), StepError> {
        self.saved.plan.finish(&mut self.errors);
        for file in self.layout.files.values() {
            let listed = &self.file.entries[file.place];
            if let Err(message) = check_size(listed) {
                self.errors.add(&listed.name, None, message);
            }
        }
        let ids = Ids::of(self.import, &self.saved.plan);
        let mut here = BTreeMap::new();
        for user in self.saved.plan.users.keys() {
            if let Some(other) = here.insert(ids.user(*user), *user) {
                self.errors.add("", None, format!("The users {other} and {user} are the same one here."));
            }
        }
        let own =
            |planned: &PlannedConversation| ids.space.conversation(planned.line.conversation_id, planned.line.kind);
        let private: Vec<(&PlannedConversation, [UserId; 2])> = self
            .saved
            .plan
            .conversations
            .values()
            .filter(|planned| planned.line.kind == ConversationType::Private)
            .filter_map(|planned| Some((planned, pair(&ids, planned)?)))
            .collect();
        for some in private.chunks(PAIRS_PER_STATEMENT) {
            let wanted: Vec<_> = some.iter().map(|(planned, pair)| (*pair, own(planned))).collect();
            let refused = self.to.rows.taken_pairs(&wanted).await?;
            for (planned, _) in some.iter().filter(|(_, pair)| refused.contains(pair)) {
                self.errors.add(&planned.at.0, Some(planned.at.1), taken());
            }
        }
        if self.errors.list.is_empty() {
            Ok(())
        } else {
            Err(StepError::Invalid(std::mem::take(&mut self.errors.list)))
        }
    }

    /// Creates some users who do not exist, and notes who is erased.
    pub(super) async fn users(&mut self, after: Option<UserId>) -> Result<Cursor, StepError> {
        let plan = &self.saved.plan;
        let ids = Ids::of(self.import, plan);
        let next = plan.users.keys().filter(|user| after.is_none_or(|after| **user > after)).take(USERS_PER_STEP);
        let next: Vec<UserId> = next.copied().collect();
        let Some(last) = next.last().copied() else { return Ok(Cursor::After(None)) };
        let new: Vec<(UserId, String)> =
            next.into_iter().filter(|user| !user.is_system()).map(|user| (ids.user(user), plan.name(user))).collect();
        self.to.rows.create_users(&new).await?;
        let users: Vec<UserId> = new.iter().map(|(user, _)| *user).collect();
        self.saved.erased.extend(self.to.rows.erased(&users).await?);
        self.saved.counts.users += new.len() as u64;
        Ok(Cursor::Users { after: Some(last) })
    }
}
