//! Blocks: users who are blocked learn neither presence nor typing nor receipts of the user who blocks them, in no conversation.

use std::collections::HashSet;

use domain::{ConversationType, UserId};
use store::StoreError;
use store::dynamodb::Members;
use store::dynamodb::members::ConversationItem;

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
