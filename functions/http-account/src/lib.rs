//! `DELETE /v1/users/me`: permanent deletion of the caller's account.

mod serve;

use std::time::Duration;

use chat::accounts::Deletion;
use chat::membership::Applied;
use chat::notify::Notifier;
use domain::error::causes;
use domain::{ApiError, Timestamp};
use lambda_kit::http::{Request, Response, no_such_route};

pub use serve::serve;

/// Time for which the request ends memberships before it leaves the rest to the `relay` worker, which begins half a minute later.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Handler {
    pub deletion: Deletion,
    pub notifier: Notifier,
}

impl Handler {
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        match request.route() {
            "DELETE /v1/users/me" => self.delete(&request).await,
            _ => Err(no_such_route()),
        }
    }

    /// Deletes the caller's account. After the answer the token is refused everywhere, and all memberships have ended or are
    /// about to. Repeating the request is no error: it continues where the first one stopped.
    async fn delete(&self, request: &Request) -> Result<Response, ApiError> {
        let user = request.user_id();
        let until = Timestamp::now().plus(LEAVE_TIMEOUT);
        let connections = self.deletion.begin(user).await?;
        self.notifier.api().close(connections.iter().map(|connection| connection.connection_id.as_str())).await;
        let notify = async |applied: &[Applied]| self.notifier.departures(user, applied).await;
        // The worker finishes what the time is too short for: its queue message was sent before the deletion began.
        if let Err(error) = self.deletion.leave(user, Deletion::all_memberships(), until, notify).await {
            tracing::error!(user_id = %user, error = causes(&error), "some memberships of a deleted user have not ended yet");
        }
        Ok(Response::no_content())
    }
}
