//! Telling everybody of items of the log who is to hear of them at once.
//!
//! Whoever wrote an item tells them, or has the `fanout` worker do it where they are many. The log is the truth: who is not told
//! finds it there. So nothing here fails for what cannot be looked up or queued now.

use std::collections::HashSet;

use domain::error::causes;
use domain::{Address, ApiError, HistoryPolicy, Message, MessageKind, Pushed, Timestamp, UserId};
use futures_util::future::try_join_all;

use crate::membership::Applied;
use crate::notify::{Audience, Recipients};
use store::StoreError;
use store::dynamodb::members::MemberView;
use store::sqs::Queue;

/// Tells of items. How a frame is pushed is the caller's: `push` gives a message to connections.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Who hears of it.
    pub recipients: Recipients,
    /// Who tells them where they are many.
    pub fanout: Queue,
}

impl Delivery {
    /// Tells an audience of an item, except for one connection, which hears of it otherwise.
    pub async fn tell(
        &self,
        message: &Message,
        Audience { recipients, whole }: &Audience,
        except: Option<&str>,
        push: impl AsyncFn(&Message, &[Address<'_>]) -> Result<Pushed, ApiError>,
    ) -> Result<(), ApiError> {
        let mut to: Vec<Address<'_>> = recipients.iter().map(|recipient| recipient.address()).collect();
        to.retain(|address| Some(address.connection_id) != except);
        let pushed = push(message, &to).await?;
        if !(*whole && pushed.in_time) {
            self.fanout.fan_out(message).await;
        }
        self.recipients.remove_gone(recipients, &pushed.gone, Timestamp::now()).await;
        Ok(())
    }

    /// Tells of the system messages that a relay wrote.
    pub async fn announce(
        &self,
        applied: &[Applied],
        push: impl AsyncFn(&Message, &[Address<'_>]) -> Result<Pushed, ApiError>,
    ) -> Result<(), ApiError> {
        for Applied { message, departed, .. } in applied {
            let Some(message) = message else { continue };
            let audience = self.audience_of_change(message, *departed).await;
            self.tell(message, &or_deferred(audience), None, &push).await?;
        }
        Ok(())
    }

    /// Whoever comes or goes by a change hears of it wherever they are, looking or not: the members of a conversation that begins,
    /// who is let in, who has just gone.
    async fn audience_of_change(&self, message: &Message, departed: Option<UserId>) -> Result<Audience, StoreError> {
        let conversation = message.conversation_id;
        let mut concerned: Vec<UserId> = match &message.kind {
            MessageKind::Created { members, .. } => {
                let members: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
                return Ok(Audience::of(self.recipients.connected(&members, &[]).await?));
            }
            MessageKind::MembersAdded { members } if conversation.is_public() => {
                members.iter().map(|member| member.user_id).collect()
            }
            _ => Vec::new(),
        };
        concerned.extend(departed);
        match self.recipients.members.roster_for(message.sender_id, conversation, true).await? {
            Some(roster) => Ok(self.recipients.of(&roster, &concerned).await?.covering(message.seq)),
            None => Ok(Audience::of(self.recipients.connected(&concerned, &[]).await?)),
        }
    }

    /// Tells of an edit, a deletion or a reaction. Those who came after the message learn of an edit's place alone.
    pub async fn notify_event(
        &self,
        event: &Message,
        push: impl AsyncFn(&Message, &[Address<'_>]) -> Result<Pushed, ApiError>,
    ) -> Result<(), ApiError> {
        let (of_the_message, of_the_place) = self
            .audiences_of_event(event)
            .await
            .unwrap_or_else(|error| (or_deferred(Err(error)), Audience::of(Vec::new())));
        let without_words = without_words(event.clone());
        tokio::try_join!(
            self.tell(event, &of_the_message, None, &push),
            self.tell(&without_words, &of_the_place, None, &push)
        )?;
        Ok(())
    }

    /// Those who can see the message that an event is about, and those who came later. Two round trips, or three where they look;
    /// one more for those who came, or came back, after an edited message.
    async fn audiences_of_event(&self, event: &Message) -> Result<(Audience, Audience), StoreError> {
        let nobody = Audience::of(Vec::new());
        let members = &self.recipients.members;
        let Some(roster) = members.roster_for(event.sender_id, event.conversation_id, true).await? else {
            return Ok((Audience::deferred(), nobody));
        };
        let mut all = self.recipients.of(&roster, &[]).await?;
        let everything = roster.conversation.history == HistoryPolicy::Full;
        if everything {
            return Ok((all, nobody));
        }
        all = all.covering(event.seq);
        let MessageKind::MessageEdited { target_seq, .. } = event.kind else {
            // It says nothing that is not for all of them.
            return Ok((all, nobody));
        };
        let came_later = all.recipients.iter().filter(|recipient| recipient.joined_seq > target_seq);
        let unsure: HashSet<UserId> = came_later.map(|recipient| recipient.user_id).collect();
        // An earlier stay may have shown them the message.
        let views = unsure.iter().map(|user| members.view(event.conversation_id, *user));
        let views = try_join_all(views).await?;
        let sees = |view: Option<MemberView>| view.is_some_and(|view| view.periods.covers(target_seq));
        let blind: HashSet<UserId> =
            unsure.into_iter().zip(views).filter_map(|(user, view)| (!sees(view)).then_some(user)).collect();
        let (of_the_place, of_the_message) =
            all.recipients.into_iter().partition(|recipient| blind.contains(&recipient.user_id));
        Ok((Audience { recipients: of_the_message, whole: all.whole }, Audience::of(of_the_place)))
    }
}

/// Whoever cannot be looked up now is told by somebody with more time.
fn or_deferred(audience: Result<Audience, StoreError>) -> Audience {
    audience.unwrap_or_else(|error| {
        tracing::warn!(error = causes(&error), "whom to tell of an item cannot be looked up now");
        Audience::deferred()
    })
}

/// The event as those see it who cannot see the message.
fn without_words(mut event: Message) -> Message {
    if let MessageKind::MessageEdited { content, .. } = &mut event.kind {
        *content = None;
    }
    event
}
