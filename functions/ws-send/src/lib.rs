//! `send`: gives a message its place in the conversation's log and pushes it to everybody who is connected, or, in a public
//! conversation, who looks at it.
//!
//! Three sequential round trips, whatever the length of the history: read, write, push.

use chat::log::{Delivered, Draft, Log};
use chat::notify::Delivery;
use domain::ApiError;
use domain::protocol::{Answer, SendRequest, Sent};
use lambda_kit::websocket::Caller;
use store::connections_api::ConnectionsApi;
use store::dynamodb::Files;

/// What `send` needs.
#[derive(Debug)]
pub struct Send {
    /// Where messages get their places.
    pub log: Log,
    /// What messages can carry.
    pub files: Files,
    /// Who is told.
    pub delivery: Delivery,
    /// How they are told.
    pub pusher: ConnectionsApi,
}

impl Send {
    /// Sends one message. The sender is the token's user and the time the server's, whatever the frame says.
    pub async fn handle(&self, caller: Caller, request: SendRequest) -> Result<Answer, ApiError> {
        let draft = Draft::new(request.conversation_id, caller.user_id, request.draft.check()?);
        let placed = self.log.send(&self.delivery.recipients, &self.files, &draft).await?;
        let Delivered { message, duplicate, audience } = placed;
        // Every connection but the one that gets the answer.
        let except = Some(caller.connection_id.as_str());
        self.delivery.tell(&message, &audience, except, self.pusher.messages()).await?;
        Ok(Answer::Sent(Sent::of(&message, duplicate)))
    }
}
