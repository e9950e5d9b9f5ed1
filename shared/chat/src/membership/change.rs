//! A change of a conversation from the request to the log: decided and committed in SQL, relayed at once.

use domain::membership::Action;
use domain::{ConversationId, UserId};

use crate::membership::{Applied, Relay};
use store::sql::Conversations;
use store::sql::membership::ChangeError;

/// Changes conversations and who is in them.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The relational truth.
    pub conversations: Conversations,
    /// Brings it to the hot path.
    pub relay: Relay,
}

impl Membership {
    /// Carries out actions of one user on one conversation, all or none, and gives back what reached the log: everybody's next
    /// request sees it. What is so already changes nothing and is no error.
    ///
    /// For one action six SQL requests, one to the queue, and two round trips to DynamoDB.
    pub async fn change(
        &self,
        conversation: ConversationId,
        actor: UserId,
        actions: &[Action],
    ) -> Result<Vec<Applied>, ChangeError> {
        let committed = self.conversations.change(conversation, actor, actions).await?;
        if committed.older_wait {
            // Whoever committed those may have died: they come first.
            return Ok(self.relay.run(conversation).await?);
        }
        let mut all = Vec::with_capacity(committed.changes.len());
        for pending in &committed.changes {
            all.push(self.relay.apply(pending).await?);
        }
        Ok(all)
    }
}
