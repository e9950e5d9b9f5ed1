//! The worker of the `relay` queue: finishes what a crash left in an outbox.
//!
//! Requests that change a conversation relay the change themselves; by the time their queue message comes here there is
//! nothing left to do, in all but a few cases.

use std::error::Error;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use domain::error::causes;
use domain::{Connection, Message};
use lambda_kit::push::Pusher;
use store::dynamodb::Connections;
use store::queues::RelayBody;
use store::relay::Relay;

/// What the worker needs.
#[derive(Debug)]
pub struct Worker {
    /// Brings changes to the hot path.
    pub relay: Relay,
    /// Where everybody is.
    pub connections: Connections,
    /// How they are told.
    pub pusher: Pusher,
}

impl Worker {
    /// Works on a batch; gives back the ids of the queue messages that have to come again.
    pub async fn handle(&self, event: SqsEvent) -> Vec<String> {
        let mut failed = Vec::new();
        for message in event.records {
            if let Err(error) = self.finish(&message).await {
                tracing::error!(error = causes(&*error), "an outbox is not empty yet");
                failed.extend(message.message_id);
            }
        }
        failed
    }

    async fn finish(&self, message: &SqsMessage) -> Result<(), Box<dyn Error>> {
        let body: RelayBody = serde_json::from_str(message.body.as_deref().unwrap_or_default())?;
        let applied = self.relay.run(body.conversation_id).await?;
        let push = async |message: &Message, to: &[Connection]| self.pusher.push_message(message, to).await;
        Ok(self.relay.announce(&self.connections, &applied, push).await?)
    }
}
