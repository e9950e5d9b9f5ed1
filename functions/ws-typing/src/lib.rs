//! `typing`: tells the other members that somebody writes, or has stopped to. Nothing is written: who is not connected never
//! hears of it.

use domain::wire::{Answer, Push, TypingRequest};
use domain::{ApiError, Timestamp};
use lambda_kit::push::{Frame, Pusher, encode};
use lambda_kit::websocket::Caller;
use store::listeners::Listeners;
use store::typing::audience;

/// What `typing` needs.
#[derive(Debug)]
pub struct Typing {
    /// Who is there.
    pub listeners: Listeners,
    /// How they are told.
    pub pusher: Pusher,
}

impl Typing {
    /// Tells the others. Who may not send may not type either.
    pub async fn handle(&self, caller: Caller, request: TypingRequest) -> Result<Answer, ApiError> {
        let TypingRequest { conversation_id, typing } = request;
        let others = audience(&self.listeners, conversation_id, caller.user_id).await?;
        let json = encode(&Push::Typing { conversation_id, user_id: caller.user_id, typing })?;
        let frames = others.iter().map(|other| Frame { connection_id: other.address().connection_id, json: &json });
        // What did not get through in time is not worth another try.
        let pushed = self.pusher.push(frames).await;
        self.listeners.forget_gone(&others, &pushed.gone, Timestamp::now()).await;
        Ok(Answer::Accepted)
    }
}
