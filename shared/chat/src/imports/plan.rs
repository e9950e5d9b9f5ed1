//! What a file is going to bring, as its check finds out.

use std::collections::BTreeMap;
use std::ops::Bound;

use domain::import::{IdSpace, ImportedUsers};
use domain::{ConversationId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use store::dynamodb::imports::ImportItem;

use super::lines::ConversationLine;
use super::members::PlannedMember;
use super::seqs::Seqs;

/// Name of users whom the file names nowhere.
const UNKNOWN: &str = "Unknown user";

/// Title of a group or public conversation for which the file has none.
pub(super) const UNTITLED: &str = "Untitled";

/// A user of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedUser {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

/// A conversation of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PlannedConversation {
    pub(super) line: ConversationLine,
    /// The entry and the line that it comes from.
    pub(super) at: (String, u64),
    pub(super) members: BTreeMap<UserId, PlannedMember>,
    /// True if the file lists its members: then those are the current ones.
    pub(super) has_members: bool,
    pub(super) seqs: Seqs,
    /// Times of the first and the last message.
    pub(super) times: Option<(Timestamp, Timestamp)>,
    /// The sender of the item that begins the log, if the file has it.
    pub(super) creator: Option<UserId>,
}

/// Everything that the file is going to bring.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) users: BTreeMap<UserId, PlannedUser>,
    pub(super) conversations: BTreeMap<ConversationId, PlannedConversation>,
    /// Number of members of all conversations.
    pub(super) members: usize,
    /// The user of an export of a user.
    pub(super) owner: Option<UserId>,
    /// The users by their subjects.
    #[serde(skip)]
    pub(super) subjects: BTreeMap<String, UserId>,
}

impl Plan {
    /// Prepares look-ups, after reading.
    pub(super) fn index(&mut self) {
        self.conversations.values_mut().for_each(|conversation| conversation.seqs.index());
        let subjects = self.users.iter().filter_map(|(user, planned)| Some((planned.subject.clone()?, *user)));
        self.subjects = subjects.collect();
    }

    /// Notes a user whom the file mentions.
    pub(super) fn user(&mut self, user: UserId) -> &mut PlannedUser {
        self.users.entry(user).or_default()
    }

    /// Returns the conversations after this one.
    pub(super) fn after(
        &self,
        conversation: Option<ConversationId>,
    ) -> impl Iterator<Item = (ConversationId, &PlannedConversation)> {
        let first = conversation.map_or(Bound::Unbounded, Bound::Excluded);
        self.conversations.range((first, Bound::Unbounded)).map(|(id, planned)| (*id, planned))
    }

    /// Returns the last conversation before this one.
    pub(super) fn before(&self, conversation: ConversationId) -> Option<ConversationId> {
        self.conversations.range(..conversation).next_back().map(|(id, _)| *id)
    }

    /// Notes the subject of a user, which belongs to no other one.
    pub(super) fn subject(&mut self, user: UserId, subject: String) -> Result<(), String> {
        if let Some(other) = self.subjects.get(&subject).filter(|other| **other != user) {
            return Err(format!("The user {other} has the same `subject`."));
        }
        let planned = self.user(user);
        if planned.subject.as_ref().is_some_and(|before| *before != subject) {
            return Err("The user is there with another `subject`.".to_owned());
        }
        planned.subject = Some(subject.clone());
        self.subjects.insert(subject, user);
        Ok(())
    }

    /// Returns the name of a user of the file.
    pub(super) fn name(&self, user: UserId) -> String {
        let planned = self.users.get(&user).and_then(|user| user.name.clone());
        planned.unwrap_or_else(|| UNKNOWN.to_owned())
    }
}

/// The ids that what the file names has here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids<'a> {
    pub(super) space: IdSpace,
    issuer: &'a str,
    users: ImportedUsers,
    plan: &'a Plan,
}

impl<'a> Ids<'a> {
    pub(super) fn of(import: &'a ImportItem, plan: &'a Plan) -> Self {
        Self { space: IdSpace::of(&import.source), issuer: &import.issuer, users: import.users, plan }
    }

    /// Returns the user: the one whose tokens have the subject, if the file names one. So the first sign-in finds what was imported.
    pub(super) fn user(&self, user: UserId) -> UserId {
        let subject = self.plan.users.get(&user).and_then(|planned| planned.subject.as_deref());
        match subject {
            Some(subject) => UserId::from_token(self.issuer, subject),
            None if user.is_system() => user,
            None if self.users == ImportedUsers::Kept && user.is_of_token() => user,
            None => self.space.user(user),
        }
    }
}
