//! `send`: appends a message to the conversation's log and pushes it to the connections of its members, or to the subscribed
//! connections of a public conversation.
//!
//! Three sequential round trips, whatever the length of the history: read, write, push.

use chat::log::{Delivered, Draft, Log};
use chat::notify::Notifier;
use domain::ApiError;
use domain::protocol::{Answer, SendRequest, Sent};
use lambda_kit::websocket::Caller;
use store::dynamodb::FileItems;

/// Serves the `send` route.
#[derive(Debug)]
pub struct Send {
    pub log: Log,
    pub files: FileItems,
    pub notifier: Notifier,
}

impl Send {
    /// Sends one message. The server sets sender and time: the token's user, and its own clock.
    pub async fn handle(&self, caller: Caller, request: SendRequest) -> Result<Answer, ApiError> {
        let draft = Draft::new(request.conversation_id, caller.user_id, request.draft.check()?);
        let Delivered { message, duplicate, audience } =
            self.log.send(self.notifier.recipients(), &self.files, &draft).await?;
        // The sending connection gets the answer instead.
        let except = Some(caller.connection_id.as_str());
        self.notifier.message(&message, &audience, except).await?;
        Ok(Answer::Sent(Sent::of(&message, duplicate)))
    }
}
