//! `DELETE /v1/users/me`: permanent deletion of the caller's account; for backends also of any user, and how far an erasure is.

mod serve;

use std::time::Duration;

use chat::accounts::Deletion;
use chat::erasure::ErasureRequests;
use chat::membership::Applied;
use chat::notify::Notifier;
use domain::erasure::MessagesOfDeleted;
use domain::error::causes;
use domain::protocol::http::DeletionQuery;
use domain::{ApiError, ErrorCode, Timestamp, UserId};
use lambda_kit::http::{Request, Response, no_such_route};

pub use serve::serve;

/// Time for which the request ends memberships before it leaves the rest to the `relay` worker, which begins half a minute later.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Handler {
    pub deletion: Deletion,
    pub erasure: ErasureRequests,
    pub notifier: Notifier,
}

impl Handler {
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        match request.route() {
            "DELETE /v1/users/me" => self.delete(&request, request.user_id()).await,
            "DELETE /v1/users/{id}" => self.delete_any(&request).await,
            "GET /v1/users/{id}/erasure" => self.erasure(&request).await,
            _ => Err(no_such_route()),
        }
    }

    /// Deletes a user for the system.
    async fn delete_any(&self, request: &Request) -> Result<Response, ApiError> {
        let user = user_of_system(request)?;
        if self.deletion.users.get(&[user]).await?.is_empty() {
            return Err(not_found("The user does not exist."));
        }
        self.delete(request, user).await
    }

    /// Deletes an account, and has what its user wrote erased if that is asked for. After the answer the user's token is refused
    /// everywhere, and all memberships have ended or are about to. Repeating the request is no error: it continues where the first one
    /// stopped.
    async fn delete(&self, request: &Request, user: UserId) -> Result<Response, ApiError> {
        let DeletionQuery { messages } = request.query()?;
        let until = Timestamp::now().plus(LEAVE_TIMEOUT);
        let erases = messages == MessagesOfDeleted::Erase;
        if erases {
            self.erasure.begin(user).await?;
        }
        let connections = self.deletion.begin(user).await?;
        self.notifier.api().close(connections.iter().map(|connection| connection.connection_id.as_str())).await;
        let notify = async |applied: &[Applied]| self.notifier.departures(user, applied).await;
        // The worker finishes what the time is too short for: its queue message was sent before the deletion began.
        if let Err(error) = self.deletion.leave(user, Deletion::all_memberships(), until, notify).await {
            tracing::error!(user_id = %user, error = causes(&error), "some memberships of a deleted user have not ended yet");
        }
        if erases && let Err(error) = self.erasure.go_on(user).await {
            tracing::warn!(user_id = %user, error = causes(&error), "an erasure begins half a minute later");
        }
        Ok(Response::no_content())
    }

    /// Answers how far the erasure of a user is.
    async fn erasure(&self, request: &Request) -> Result<Response, ApiError> {
        let found = self.erasure.erasures.get(user_of_system(request)?).await?;
        Response::ok(&found.ok_or_else(|| not_found("Nobody has asked for an erasure of this user."))?)
    }
}

/// Returns the user in the path of a route that only the system has.
fn user_of_system(request: &Request) -> Result<UserId, ApiError> {
    if !request.user_id().is_system() {
        return Err(ApiError::new(ErrorCode::NotAllowed, "Only the system deletes other users."));
    }
    let user: UserId = request.id("id")?;
    if user.is_system() { Err(not_found("The user does not exist.")) } else { Ok(user) }
}

fn not_found(message: &str) -> ApiError {
    ApiError::new(ErrorCode::UserNotFound, message)
}
