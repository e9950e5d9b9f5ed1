//! What is put on SQS.

use std::time::Duration;

use aws_sdk_sqs::Client;
use domain::{ConversationId, Receipt, UserId};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Body of a message on the `receipts` queue: receipts that one frame gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptsBody {
    /// With the user and the time that the server set.
    pub receipts: Vec<Receipt>,
}

/// Body of a message on the `relay` queue: what somebody may have left unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RelayBody {
    /// A conversation whose outbox may hold something.
    Conversation {
        /// The conversation.
        conversation_id: ConversationId,
    },
    /// A user whose account may be deleted and whose memberships may not have ended.
    User {
        /// The user.
        user_id: UserId,
    },
}

/// How long a message to `relay` waits: longer than a request can take (29 s), so that by then it has relayed the change itself
/// or never will.
pub const RELAY_DELAY: Duration = Duration::from_secs(35);

/// One queue.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at this URL.
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Queues receipts: accepted once this returns.
    pub async fn send_receipts(&self, body: &ReceiptsBody) -> Result<(), StoreError> {
        self.send(serde_json::to_string(body)?, None).await
    }

    /// Makes sure that somebody finishes what the caller begins, even if the caller dies now. `delay` is in whole seconds, at
    /// most 15 minutes.
    pub async fn send_relay(&self, body: RelayBody, delay: Duration) -> Result<(), StoreError> {
        self.send(serde_json::to_string(&body)?, i32::try_from(delay.as_secs()).ok()).await
    }

    async fn send(&self, body: String, delay_seconds: Option<i32>) -> Result<(), StoreError> {
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .set_delay_seconds(delay_seconds)
            .send()
            .await
            .map_err(|error| StoreError::aws("SQS", error))?;
        Ok(())
    }
}
