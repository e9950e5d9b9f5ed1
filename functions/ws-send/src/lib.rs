//! `send`: gives a message its place in the conversation's log and pushes it to everybody who is connected.
//!
//! Three sequential round trips, whatever the length of the history: read, write, push.

use domain::wire::{Answer, SendRequest, Sent};
use domain::{ApiError, Timestamp};
use lambda_kit::push::Pusher;
use lambda_kit::websocket::Caller;
use store::dynamodb::{Connections, Files};
use store::log::{Audience, Delivery, Draft, Log};
use store::queues::Queue;

/// What `send` needs.
#[derive(Debug)]
pub struct Send {
    /// Where messages get their places.
    pub log: Log,
    /// What messages can carry.
    pub files: Files,
    /// Where everybody is.
    pub connections: Connections,
    /// How they are told.
    pub pusher: Pusher,
    /// Who tells them where they are many.
    pub fanout: Queue,
}

impl Send {
    /// Sends one message. The sender is the token's user and the time the server's, whatever the frame says.
    pub async fn handle(&self, caller: Caller, request: SendRequest) -> Result<Answer, ApiError> {
        let conversation_id = request.conversation_id;
        let draft = Draft::new(conversation_id, caller.user_id, request.draft.check()?);
        let delivery = self.log.send(&self.connections, &self.files, &draft).await?;
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
    async fn push(&self, caller: &Caller, Delivery { message, audience, .. }: &Delivery) -> Result<(), ApiError> {
        let Audience::Few(connections) = audience else {
            self.fanout.fan_out(message).await;
            return Ok(());
        };
        let others = connections.iter().filter(|connection| connection.connection_id != caller.connection_id);
        let pushed = self.pusher.push_message(message, others).await?;
        if !pushed.in_time {
            self.fanout.fan_out(message).await;
        }
        self.connections.forget_gone(connections, &pushed.gone, Timestamp::now()).await;
        Ok(())
    }
}
