//! `typing`: tells the other members that somebody writes, or has stopped to. Nothing is written: who is not connected never
//! hears of it.

use domain::wire::{Answer, Push, TypingRequest};
use domain::{ApiError, Timestamp};
use lambda_kit::push::{Frame, Pusher, encode};
use lambda_kit::websocket::Caller;
use store::dynamodb::{Connections, Members};
use store::typing::audience;

/// What `typing` needs.
#[derive(Debug)]
pub struct Typing {
    /// Who is there.
    pub members: Members,
    /// Where they are.
    pub connections: Connections,
    /// How they are told.
    pub pusher: Pusher,
}

impl Typing {
    /// Tells the others. Who may not send may not type either.
    pub async fn handle(&self, caller: Caller, request: TypingRequest) -> Result<Answer, ApiError> {
        let TypingRequest { conversation_id, typing } = request;
        let others = audience(&self.members, conversation_id, caller.user_id).await?;
        let now = Timestamp::now();
        let connections = self.connections.of(&others, now).await?;
        let json = encode(&Push::Typing { conversation_id, user_id: caller.user_id, typing })?;
        let frame = |connection_id| Frame { connection_id, json: &json };
        let ids = connections.iter().map(|connection| connection.connection_id.as_str());
        // What did not get through in time is not worth another try.
        let pushed = self.pusher.push(ids.map(frame)).await;
        self.connections.forget_gone(&connections, &pushed.gone, now).await;
        Ok(Answer::Accepted)
    }
}
