//! Edits, deletions and reactions: `PATCH` and `DELETE …/messages/{seq}`, `PUT` and `DELETE …/messages/{seq}/reactions/{emoji}`.

use domain::amendment::Amendment;
use domain::error::causes;
use domain::message::Content;
use domain::reaction::Emoji;
use domain::{ApiError, ErrorCode, Message, MessageKind, Timestamp, UserId};
use lambda_kit::http::{Request, Response};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::Handler;
use crate::status::seq;

/// What takes the place of the words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    text: String,
    #[serde(default)]
    mentions: Vec<UserId>,
}

impl Handler {
    /// Gives a message other words.
    pub(crate) async fn edit(&self, request: &Request) -> Result<Response, ApiError> {
        let Edit { text, mentions } = request.json()?;
        let message = self.amend(request, Amendment::Edit(Content::caption(text, None, mentions)?)).await?;
        Response::ok(&message)
    }

    /// Takes a message from everybody.
    pub(crate) async fn delete(&self, request: &Request) -> Result<Response, ApiError> {
        self.amend(request, Amendment::Delete).await?;
        Ok(Response::no_content())
    }

    /// Gives a reaction, or takes it back.
    pub(crate) async fn react(&self, request: &Request, on: bool) -> Result<Response, ApiError> {
        let emoji = percent_decode_str(request.segment("emoji")).decode_utf8();
        let emoji = emoji.map_err(|_| ApiError::new(ErrorCode::InvalidEmoji, "This is not an emoji."))?;
        let message = self.amend(request, Amendment::React { emoji: Emoji::parse(&emoji)?, on }).await?;
        Response::ok(&message)
    }

    async fn amend(&self, request: &Request, amendment: Amendment) -> Result<Message, ApiError> {
        let (conversation, seq, actor) = (request.id("id")?, seq(request)?, request.user_id());
        let amended = self.log.amend(conversation, actor, seq, &amendment, self.edit_window).await?;
        if let Some(event) = amended.event {
            self.announce(event).await?;
        }
        Ok(amended.message)
    }

    /// Tells everybody of an event. The log is the truth: who is not told finds it there.
    async fn announce(&self, event: Message) -> Result<(), ApiError> {
        let listeners = match self.log.event_listeners(&self.connections, &event).await {
            Ok(Some(listeners)) => listeners,
            Ok(None) => {
                self.fanout.fan_out(&event).await;
                return Ok(());
            }
            Err(error) => {
                tracing::warn!(error = causes(&error), "whom to tell of an event cannot be looked up now");
                self.fanout.fan_out(&event).await;
                return Ok(());
            }
        };
        let (whole, place) = (&listeners.of_the_message, &listeners.of_the_place);
        let without_words = without_words(event.clone());
        let (pushed, pushed_too) =
            tokio::try_join!(self.pusher.push_message(&event, whole), self.pusher.push_message(&without_words, place))?;
        if !(pushed.in_time && pushed_too.in_time) {
            self.fanout.fan_out(&event).await;
        }
        let now = Timestamp::now();
        tokio::join!(
            self.connections.forget_gone(whole, &pushed.gone, now),
            self.connections.forget_gone(place, &pushed_too.gone, now)
        );
        Ok(())
    }
}

/// The event as those see it who cannot see the message.
fn without_words(mut event: Message) -> Message {
    if let MessageKind::MessageEdited { content, .. } = &mut event.kind {
        *content = None;
    }
    event
}
