//! `typing`: tells the other members that somebody writes, or has stopped to. Nothing is written: who is not connected never
//! hears of it.

use chat::notify::Recipients;
use chat::notify::typing_audience;
use domain::protocol::{Answer, Push, TypingRequest};
use domain::{ApiError, Timestamp};
use lambda_kit::websocket::Caller;
use store::connections_api::{ConnectionsApi, Frame, encode};

/// What `typing` needs.
#[derive(Debug)]
pub struct Typing {
    /// Who is there.
    pub recipients: Recipients,
    /// How they are told.
    pub pusher: ConnectionsApi,
}

impl Typing {
    /// Tells the others. Who may not send may not type either.
    pub async fn handle(&self, caller: Caller, request: TypingRequest) -> Result<Answer, ApiError> {
        let TypingRequest { conversation_id, typing } = request;
        let others = typing_audience(&self.recipients, conversation_id, caller.user_id).await?;
        let json = encode(&Push::Typing { conversation_id, user_id: caller.user_id, typing })?;
        let frames = others.iter().map(|other| Frame { connection_id: other.address().connection_id, json: &json });
        // What did not get through in time is not worth another try.
        let pushed = self.pusher.push(frames).await;
        self.recipients.remove_gone(&others, &pushed.gone, Timestamp::now()).await;
        Ok(Answer::Accepted)
    }
}
