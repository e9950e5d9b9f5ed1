//! Notifying a conversation of the items of its log.

use std::collections::HashSet;

use domain::error::causes;
use domain::{Address, ApiError, EndedConnection, HistoryPolicy, Message, MessageKind, Timestamp, UserId};
use futures_util::future::try_join_all;
use store::StoreError;
use store::connections_api::ConnectionsApi;
use store::dynamodb::members::MemberView;
use store::sqs::Queue;

use super::expiry::end_expired;
use super::{Audience, Recipient, Recipients};
use crate::membership::{Applied, Changed};

/// Notifies the recipients of items of the log, or queues them for the `fanout` worker if there are many.
#[derive(Clone, Debug)]
pub struct Notifier {
    recipients: Recipients,
    api: ConnectionsApi,
    fanout: Queue,
}

impl Notifier {
    /// Notifies over `api` the connections that `recipients` finds; `fanout` is the queue of the worker that notifies the rest.
    pub fn new(recipients: Recipients, api: ConnectionsApi, fanout: Queue) -> Self {
        Self { recipients, api, fanout }
    }

    /// Returns the finder of recipients.
    pub fn recipients(&self) -> &Recipients {
        &self.recipients
    }

    /// Returns the door to `@connections`.
    pub fn api(&self) -> &ConnectionsApi {
        &self.api
    }

    /// Returns the queue of the `fanout` worker.
    pub fn fanout(&self) -> &Queue {
        &self.fanout
    }

    /// Opens the connections to DynamoDB and API Gateway during init, when time is free.
    pub async fn warm_up(&self) {
        tokio::join!(self.recipients.warm_up(), self.api.warm_up());
    }

    /// Posts an item to an audience, except to the connection that gets it as an answer, and removes connections that are gone.
    ///
    /// Queues the item for the `fanout` worker if the audience is incomplete or the posts took more than a second together.
    /// Cost: one post per connection; one request to SQS if it queues. Fails only if the item cannot be written as JSON.
    pub async fn message(&self, message: &Message, audience: &Audience, except: Option<&str>) -> Result<(), ApiError> {
        let Audience { recipients, complete, expired } = audience;
        let mut to: Vec<Address<'_>> = recipients.iter().map(|recipient| recipient.address()).collect();
        to.retain(|address| Some(address.connection_id) != except);
        let (pushed, ()) = tokio::join!(self.api.push_message(message, &to), self.end_expired(expired));
        let pushed = pushed?;
        let again = self.again(recipients, &pushed.gone).await;
        let mut notified = *complete && pushed.in_time && again.complete;
        if !again.recipients.is_empty() {
            let to: Vec<Address<'_>> = again.recipients.iter().map(|recipient| recipient.address()).collect();
            notified &= self.api.push_message(message, &to).await?.in_time;
        }
        if !notified {
            self.fanout.fan_out(message.conversation_id, vec![message.seq]).await;
        }
        self.recipients.remove_gone(recipients, &pushed.gone, Timestamp::now()).await;
        Ok(())
    }

    /// Finds the connections that have replaced remembered ones, which a push found gone.
    pub(super) async fn again(&self, notified: &[Recipient], gone: &[String]) -> Audience {
        if gone.is_empty() {
            return Audience::of(Vec::new());
        }
        self.recipients.reconnected(notified, gone).await.map_or_else(
            |error| {
                let connection_ids = gone;
                tracing::warn!(
                    ?connection_ids,
                    error = causes(&error),
                    "what replaces gone connections cannot be read now: the fanout worker notifies their users"
                );
                Audience::deferred()
            },
            Audience::of,
        )
    }

    /// Tells connections whose token has ended, and closes them. Cost: a write, a post and a close per connection.
    pub async fn end_expired(&self, expired: &[EndedConnection]) {
        end_expired(self.recipients.connections(), &self.api, expired).await;
    }

    /// Notifies of the system messages that a relay wrote.
    pub async fn changes(&self, applied: &[Applied]) -> Result<(), ApiError> {
        for Applied { message, departed, .. } in applied {
            let Some(message) = message else { continue };
            let audience = self.audience_of_change(message, *departed).await;
            self.message(message, &or_deferred(message, audience), None).await?;
        }
        Ok(())
    }

    /// Notifies of what a change wrote, and returns the change's refusal as an error.
    pub async fn changed(&self, changed: Changed) -> Result<(), ApiError> {
        self.changes(&changed.applied).await?;
        changed.allowed().map(drop)
    }

    /// Notifies of the items that the departure of a deleted user wrote. A failure is logged: members find the item in the log.
    pub async fn departures(&self, user_id: UserId, applied: &[Applied]) {
        if let Err(error) = self.changes(applied).await {
            tracing::warn!(%user_id, error = causes(&error), "members were not notified that a deleted user has left");
        }
    }

    /// Finds the audience of a membership change. Users who join or leave by it are notified on all of their connections, subscribed
    /// or not: the members of a new conversation, an added member, a member who has just been removed.
    async fn audience_of_change(&self, message: &Message, departed: Option<UserId>) -> Result<Audience, StoreError> {
        let conversation = message.conversation_id;
        let mut concerned: Vec<UserId> = match &message.kind {
            MessageKind::Created { members, .. } => {
                let members: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
                return self.recipients.connected(&members, &[]).await;
            }
            MessageKind::MembersAdded { members } if conversation.is_public() => {
                members.iter().map(|member| member.user_id).collect()
            }
            _ => Vec::new(),
        };
        concerned.extend(departed);
        match self.recipients.members().roster_for(message.sender_id, conversation, true).await? {
            Some(roster) => Ok(self.recipients.of(&roster, &concerned).await?.covering(message.seq)),
            None => self.recipients.connected(&concerned, &[]).await,
        }
    }

    /// Notifies of an edit, a deletion or a reaction. Members who joined after an edited message receive the seq of the edit and not
    /// its text.
    pub async fn event(&self, event: &Message) -> Result<(), ApiError> {
        let (with_text, seq_only) = self
            .audiences_of_event(event)
            .await
            .unwrap_or_else(|error| (or_deferred(event, Err(error)), Audience::of(Vec::new())));
        let without_text = without_text(event.clone());
        tokio::try_join!(self.message(event, &with_text, None), self.message(&without_text, &seq_only, None))?;
        Ok(())
    }

    /// Finds the recipients who can see the message that an event is about, and those who cannot because they joined later.
    ///
    /// Cost: two round trips, three in a public conversation; one more for members who joined, or rejoined, after an edited message.
    async fn audiences_of_event(&self, event: &Message) -> Result<(Audience, Audience), StoreError> {
        let none = Audience::of(Vec::new());
        let members = self.recipients.members();
        let Some(roster) = members.roster_for(event.sender_id, event.conversation_id, true).await? else {
            return Ok((Audience::deferred(), none));
        };
        let mut all = self.recipients.of(&roster, &[]).await?;
        if roster.conversation.history == HistoryPolicy::Full {
            return Ok((all, none));
        }
        all = all.covering(event.seq);
        let MessageKind::MessageEdited { target_seq, .. } = event.kind else {
            // Deletions and reactions hold nothing that is hidden from later members.
            return Ok((all, none));
        };
        let joined_later = all.recipients.iter().filter(|recipient| recipient.joined_seq > target_seq);
        let unsure: HashSet<UserId> = joined_later.map(|recipient| recipient.user_id).collect();
        // An earlier membership period may have shown them the message.
        let views = unsure.iter().map(|user| members.view(event.conversation_id, *user));
        let views = try_join_all(views).await?;
        let sees = |view: Option<MemberView>| view.is_some_and(|view| view.periods.covers(target_seq));
        let excluded: HashSet<UserId> =
            unsure.into_iter().zip(views).filter_map(|(user, view)| (!sees(view)).then_some(user)).collect();
        let recipients = std::mem::take(&mut all.recipients).into_iter();
        let (seq_only, with_text) = recipients.partition(|recipient| excluded.contains(&recipient.user_id));
        Ok((Audience { recipients: with_text, ..all }, Audience::of(seq_only)))
    }
}

/// Leaves an audience that cannot be read now to the `fanout` worker, which has more time.
fn or_deferred(item: &Message, audience: Result<Audience, StoreError>) -> Audience {
    audience.unwrap_or_else(|error| {
        tracing::warn!(
            conversation_id = %item.conversation_id,
            seq = item.seq.0,
            error = causes(&error),
            "the recipients of an item cannot be read now: the fanout worker notifies them"
        );
        Audience::deferred()
    })
}

/// Returns the event as members who cannot see its message receive it.
fn without_text(mut event: Message) -> Message {
    if let MessageKind::MessageEdited { content, .. } = &mut event.kind {
        *content = None;
    }
    event
}
