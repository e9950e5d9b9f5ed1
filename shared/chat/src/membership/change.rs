//! A change of a conversation, from the request to the log: decided and committed in SQL, relayed at once.

use std::collections::HashSet;

use domain::membership::Action;
use domain::new_conversation::NewConversation;
use domain::page::{Page, Room};
use domain::protocol::http::PublicConversation;
use domain::search::Words;
use domain::{ApiError, ConversationId, Idempotency, UserId};
use store::StoreError;
use store::clock::sleep;
use store::dynamodb::members::{ActiveMember, ConversationItem};
use store::sql::Conversations;
use store::sql::conversations::{CreateError, Created};
use store::sql::membership::{ChangeError, Committed};

use super::{Applied, MemberPage, Relay};
use crate::log::{PAIR_FORGOTTEN, ReadError};

/// Changes conversations and their members.
#[derive(Clone, Debug)]
pub struct Membership {
    pub(super) conversations: Conversations,
    pub(super) relay: Relay,
}

/// A conversation that a request created, or that existed already.
#[derive(Debug)]
pub enum Opened {
    /// The conversation is new; its first change has reached the log.
    New(ConversationId, Box<Applied>),
    /// The pair's private conversation, or the one that the same idempotency key created; with changes that a crash had left in its
    /// outbox.
    Existing(ConversationId, Vec<Applied>),
    /// The request was refused for a conversation that an earlier request created; with changes that a crash had left in its outbox.
    Refused(CreateError, Vec<Applied>),
}

/// Outcome of a change.
#[derive(Debug)]
#[must_use = "a refusal is no error of this type"]
pub struct Changed {
    /// Changes that reached the log: those of the request, and those that a crash had left in the outbox.
    pub applied: Vec<Applied>,
    /// The reason for which the rules do not allow the request. Nothing of it was applied.
    pub refusal: Option<ApiError>,
}

impl Changed {
    /// Returns the refusal as an error.
    pub fn allowed(self) -> Result<Vec<Applied>, ApiError> {
        self.refusal.map_or(Ok(self.applied), Err)
    }
}

impl Membership {
    /// Commits changes in `conversations` and relays them with `relay`.
    pub fn new(conversations: Conversations, relay: Relay) -> Self {
        Self { conversations, relay }
    }

    /// Creates a conversation, or finds the one that the pair or the idempotency key has already.
    ///
    /// Cost of a new one: five SQL requests, one to SQS, one transaction and one read of DynamoDB.
    pub async fn create(
        &self,
        creator: UserId,
        new: &NewConversation,
        idempotency: Option<&Idempotency>,
    ) -> Result<Opened, CreateError> {
        match Box::pin(self.conversations.create(creator, new, idempotency)).await {
            Ok(Created::New(pending)) => {
                let applied = self.relay.apply(&pending).await?;
                Ok(Opened::New(pending.conversation_id, Box::new(applied)))
            }
            // The process that created it may have crashed before the change reached the log.
            Ok(Created::Existing(conversation)) => {
                Ok(Opened::Existing(conversation, self.relay.run(conversation).await?))
            }
            Err(refusal @ CreateError::IdempotencyMismatch(conversation)) => {
                Ok(Opened::Refused(refusal, self.relay.run(conversation).await?))
            }
            Err(error) => Err(error),
        }
    }

    /// Applies the actions of one user on one conversation, all or none, and returns what reached the log: every later request sees
    /// it. An action whose result holds already changes nothing and is no error.
    ///
    /// A repeated request finishes what the first one committed, also if the rules refuse the repeat for that very change.
    ///
    /// A block ends after [`PAIR_FORGOTTEN`]: then no process sends by what it knew before.
    ///
    /// Cost of one action: six SQL requests, one to SQS, and two round trips to DynamoDB.
    pub async fn change(
        &self,
        conversation: ConversationId,
        actor: UserId,
        actions: &[Action],
    ) -> Result<Changed, StoreError> {
        let (committed, refusal) = match Box::pin(self.conversations.change(conversation, actor, actions)).await {
            Ok(committed) => (committed, None),
            Err(ChangeError::Refused { refusal, older_wait }) => {
                (Committed { older_wait, ..Committed::default() }, Some(refusal))
            }
            Err(ChangeError::Store(error)) => return Err(error),
        };
        let mut applied = Vec::with_capacity(committed.changes.len());
        if committed.older_wait {
            // The process that committed the older changes may have crashed, so they are applied first.
            applied = self.relay.run(conversation).await?;
        } else {
            for pending in &committed.changes {
                applied.push(self.relay.apply(pending).await?);
            }
        }
        if refusal.is_none() && actions.contains(&Action::Block(true)) {
            sleep(PAIR_FORGOTTEN).await;
        }
        Ok(Changed { applied, refusal })
    }

    /// Relays all changes in the outbox of a conversation, in order. Cost if there are none: one SQL request.
    pub async fn finish(&self, conversation: ConversationId) -> Result<Vec<Applied>, StoreError> {
        self.relay.run(conversation).await
    }

    /// Finds open public conversations, newest first: up to `limit` before `before`, and the cursor of the next page. With
    /// `words`, the conversations whose title and topic have words that begin with all of them. Cost: one SQL statement.
    pub async fn discover(
        &self,
        user: UserId,
        words: Option<&Words>,
        before: Option<ConversationId>,
        limit: usize,
    ) -> Result<(Vec<PublicConversation>, Option<ConversationId>), StoreError> {
        let listed = self.conversations.discover(user, words, before, limit + 1).await?;
        let page = Page::cut(listed, limit, Room::of_body())?;
        let cursor = page.cursor(|listed| listed.conversation_id);
        Ok((page.items, cursor))
    }

    /// Returns an active member, read consistently.
    pub async fn member(&self, conversation: ConversationId, user: UserId) -> Result<Option<ActiveMember>, StoreError> {
        self.relay.members.active(conversation, user).await
    }

    /// Finds the users among `users` whose presence is hidden from `reader`. Cost: one request; none in a private conversation.
    pub async fn hidden_from(
        &self,
        conversation: &ConversationItem,
        reader: UserId,
        users: &[UserId],
    ) -> Result<HashSet<UserId>, StoreError> {
        super::blocks::hidden_from(&self.relay.members, conversation, reader, users).await
    }

    /// Reads up to `limit` members after `after`, for a reader who must be a member. Cost: 2 concurrent requests.
    pub async fn member_page(
        &self,
        conversation: ConversationId,
        reader: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<MemberPage, ReadError> {
        MemberPage::read(&self.relay.members, conversation, reader, after, limit).await
    }
}
