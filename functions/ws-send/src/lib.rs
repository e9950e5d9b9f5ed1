//! `send`: gives a message its place in the conversation's log and pushes it to everybody who is connected.
//!
//! Three sequential round trips, whatever the length of the history: read, write, push.

use domain::wire::{Answer, SendRequest, Sent};
use domain::{ApiError, Timestamp};
use lambda_kit::push::Pusher;
use lambda_kit::websocket::Caller;
use store::dynamodb::Connections;
use store::log::{Delivery, Draft, Log};

/// What `send` needs.
#[derive(Debug)]
pub struct Send {
    /// Where messages get their places.
    pub log: Log,
    /// Where everybody is.
    pub connections: Connections,
    /// How they are told.
    pub pusher: Pusher,
}

impl Send {
    /// Sends one message. The sender is the token's user and the time the server's, whatever the frame says.
    pub async fn handle(&self, caller: Caller, request: SendRequest) -> Result<Answer, ApiError> {
        let conversation_id = request.conversation_id;
        let (client_message_id, after_seq, content) = request.draft.check()?;
        let draft = Draft { conversation_id, sender_id: caller.user_id, client_message_id, after_seq, content };
        let delivery = self.log.send(&self.connections, &draft).await?;
        self.push(&caller, &delivery).await?;
        let Delivery { message, duplicate, .. } = delivery;
        Ok(Answer::Sent(Sent {
            conversation_id,
            seq: message.seq,
            message_id: message.message_id,
            sent_at: message.sent_at,
            duplicate,
        }))
    }

    /// Tells every connection but the one that gets the answer.
    async fn push(&self, caller: &Caller, delivery: &Delivery) -> Result<(), ApiError> {
        let others = delivery.connections.iter().filter(|connection| connection.connection_id != caller.connection_id);
        let gone = self.pusher.push_message(&delivery.message, others).await?;
        self.connections.forget_gone(&delivery.connections, &gone, Timestamp::now()).await;
        Ok(())
    }
}
