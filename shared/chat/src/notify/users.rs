//! Notifying single users on all of their connections, whatever the conversation.

use std::collections::HashMap;

use domain::error::causes;
use domain::protocol::Push;
use domain::{Timestamp, UserId};
use store::connections_api::{ConnectionsApi, Frame, encode};
use store::dynamodb::Connections;
use store::dynamodb::connections::Found;

use super::expiry::end_expired;

/// Posts frames to every live connection of users.
#[derive(Clone, Debug)]
pub struct UserNotifier {
    connections: Connections,
    api: ConnectionsApi,
}

impl UserNotifier {
    /// Notifies over `api` the connections that are registered in `connections`.
    pub fn new(connections: Connections, api: ConnectionsApi) -> Self {
        Self { connections, api }
    }

    /// Posts each user's frames, as JSON texts, to all of that user's connections, and removes connections that are gone.
    ///
    /// Cost: one request and half a read unit per user for the connections (100 users a request), one post per frame and
    /// connection. A failure is logged with the users and not returned.
    pub async fn notify(&self, frames: &HashMap<UserId, Vec<String>>) {
        if frames.is_empty() {
            return;
        }
        let users: Vec<UserId> = frames.keys().copied().collect();
        let now = Timestamp::now();
        let Found { live: connections, expired } = match self.connections.of(&users, now).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(user_ids = ?users, error = causes(&error), "users were not notified: their connections cannot be read");
                return;
            }
        };
        let to_post = connections.iter().flat_map(|connection| {
            let frames = frames.get(&connection.user_id).into_iter().flatten();
            frames.map(|json| Frame { connection_id: &connection.connection_id, json })
        });
        let (pushed, ()) = tokio::join!(self.api.push(to_post), end_expired(&self.connections, &self.api, &expired));
        self.connections.remove_gone(&connections, &pushed.gone, now).await;
    }

    /// Posts a frame to all connections of one user, as [`notify`](Self::notify) does.
    pub async fn push(&self, user: UserId, push: &Push) {
        match encode(push) {
            Ok(frame) => self.notify(&HashMap::from([(user, vec![frame])])).await,
            Err(error) => tracing::error!(user_id = %user, %error, "a frame could not be encoded"),
        }
    }

    /// Opens the connections to DynamoDB and API Gateway during init, when time is free.
    pub async fn warm_up(&self) {
        tokio::join!(self.connections.warm_up(), self.api.warm_up());
    }
}
