//! Blocks: users who are blocked learn neither presence nor typing nor receipts of the user who blocks them, in no conversation.

use std::collections::HashSet;

use domain::membership::Action;
use domain::page::{Page, Room};
use domain::{ApiError, ConversationType, UserId};
use store::StoreError;
use store::dynamodb::Members;
use store::dynamodb::members::ConversationItem;
use store::dynamodb::messages::Transacted;
use store::sql::blocks::BlockSet;

use super::{Applied, Membership, Relay};

impl Membership {
    /// Makes `blocker` block another user, or ends that. With a private conversation of the two, that is a change of it, which may have
    /// to be told to its members. Safe to repeat.
    ///
    /// Cost: six SQL requests, one to SQS and one transaction of DynamoDB; with a private conversation four more.
    pub async fn set_block(&self, blocker: UserId, other: UserId, on: bool) -> Result<Vec<Applied>, ApiError> {
        let project = async |pair, blockers: &[UserId]| self.relay.project_blocks(pair, blockers).await;
        match self.conversations.set_block(blocker, other, on, project).await? {
            BlockSet::Done => Ok(Vec::new()),
            BlockSet::InConversation(conversation) => {
                self.change(conversation, blocker, &[Action::Block(on)]).await?.allowed()
            }
        }
    }

    /// Projects the blocks of a pair that a request may have left half done.
    pub async fn finish_blocks(&self, pair: [UserId; 2]) -> Result<(), StoreError> {
        let project = async |pair, blockers: &[UserId]| self.relay.project_blocks(pair, blockers).await;
        self.conversations.project_blocks(pair, project).await
    }

    /// Reads up to `limit` users whom `user` blocks, after `after`, and the cursor of the next page. Cost: one request.
    pub async fn blocked_by(
        &self,
        user: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<UserId>, Option<UserId>), StoreError> {
        let listed = self.relay.members.blocked_by(user, after, limit + 1).await?;
        let page = Page::cut(listed, limit, Room::of_body())?;
        let cursor = page.cursor(|user| *user);
        Ok((page.items, cursor))
    }
}

impl Relay {
    async fn project_blocks(&self, pair: [UserId; 2], blockers: &[UserId]) -> Result<(), StoreError> {
        match self.messages.transact(self.members.set_blocks(pair, blockers)?).await? {
            Transacted::Written => Ok(()),
            Transacted::Refused(source) => Err(StoreError::Busy { service: "DynamoDB", source }),
        }
    }
}

/// Finds the users among `users` whose presence and receipts are hidden from `reader`.
///
/// Cost: one request; none in a private conversation, which knows the blocks of its two users.
pub(crate) async fn hidden_from(
    members: &Members,
    conversation: &ConversationItem,
    reader: UserId,
    users: &[UserId],
) -> Result<HashSet<UserId>, StoreError> {
    match pair_is_blocked(conversation) {
        Some(blocked) => Ok(users.iter().copied().filter(|user| blocked && *user != reader).collect()),
        None => members.blockers_among(reader, users).await,
    }
}

/// Finds the users among `users` from whom the typing and the receipts of `user` are hidden. Cost: as [`hidden_from`].
pub(crate) async fn hidden_of(
    members: &Members,
    conversation: &ConversationItem,
    user: UserId,
    users: &[UserId],
) -> Result<HashSet<UserId>, StoreError> {
    match pair_is_blocked(conversation) {
        Some(blocked) => Ok(users.iter().copied().filter(|_| blocked).collect()),
        None => members.blocked_among(user, users).await,
    }
}

/// Returns true if one of the two users of a private conversation blocks the other; `None` for other conversations. Receipts stop in
/// both directions there.
fn pair_is_blocked(conversation: &ConversationItem) -> Option<bool> {
    (conversation.kind == ConversationType::Private).then_some(!conversation.blocked_by.is_empty())
}
