//! A change of a conversation from the request to the log: decided and committed in SQL, relayed at once.

use domain::error::causes;
use domain::membership::Action;
use domain::{Connection, ConversationId, Message, MessageKind, Pushed, Timestamp, UserId};

use crate::StoreError;
use crate::dynamodb::Connections;
use crate::queues::Queue;
use crate::relay::{Applied, Relay};
use crate::sql::Conversations;
use crate::sql::membership::ChangeError;

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

impl Relay {
    /// Tells everybody who sees them of the system messages that this relay wrote, by `push`, or by the
    /// `fanout` worker where they are too many for that. The log is the truth: who is not told finds it there.
    pub async fn announce<E>(
        &self,
        connections: &Connections,
        fanout: &Queue,
        applied: &[Applied],
        push: impl AsyncFn(&Message, &[Connection]) -> Result<Pushed, E>,
    ) -> Result<(), E> {
        for applied in applied {
            let Some(message) = &applied.message else { continue };
            match self.listeners(connections, message, applied.departed).await {
                Ok(Listeners { connections: listeners, all }) => {
                    let pushed = push(message, &listeners).await?;
                    if !(all && pushed.in_time) {
                        fanout.fan_out(message).await;
                    }
                    connections.forget_gone(&listeners, &pushed.gone, Timestamp::now()).await;
                }
                Err(error) => {
                    tracing::warn!(error = causes(&error), "whom to tell of a change cannot be looked up now");
                    fanout.fan_out(message).await;
                }
            }
        }
        Ok(())
    }

    /// The live connections of all who see a system message: the members, and who has just gone. Only the latter where there are
    /// more members than are told one by one.
    async fn listeners(
        &self,
        connections: &Connections,
        message: &Message,
        departed: Option<UserId>,
    ) -> Result<Listeners, StoreError> {
        let mut all = true;
        let mut users: Vec<UserId> = if let MessageKind::Created { members, .. } = &message.kind {
            members.iter().map(|member| member.user_id).collect()
        } else {
            let roster = self.members.roster(message.conversation_id, true).await?;
            all = roster.as_ref().is_none_or(|roster| !roster.is_cut_off());
            roster.iter().filter(|_| all).flat_map(|roster| roster.there_at(message.seq)).collect()
        };
        users.extend(departed);
        Ok(Listeners { connections: connections.of(&users, Timestamp::now()).await?, all })
    }
}

/// Who is told of a system message by whoever wrote it.
struct Listeners {
    connections: Vec<Connection>,
    /// Whether that is everybody.
    all: bool,
}
