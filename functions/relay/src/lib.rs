//! The worker of the `relay` queue: finishes what a crash left in an outbox.
//!
//! Requests that change a conversation relay the change themselves; by the time their queue message comes here there is
//! nothing left to do, in all but a few cases.

use std::error::Error;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use domain::error::causes;
use store::queues::RelayBody;
use store::relay::Relay;

/// Works on a batch; gives back the ids of the queue messages that have to come again.
pub async fn handle(relay: &Relay, event: SqsEvent) -> Vec<String> {
    let mut failed = Vec::new();
    for message in event.records {
        if let Err(error) = apply(relay, &message).await {
            tracing::error!(error = causes(&*error), "an outbox is not empty yet");
            failed.extend(message.message_id);
        }
    }
    failed
}

async fn apply(relay: &Relay, message: &SqsMessage) -> Result<(), Box<dyn Error>> {
    let body: RelayBody = serde_json::from_str(message.body.as_deref().unwrap_or_default())?;
    Ok(relay.run(body.conversation_id).await?)
}
