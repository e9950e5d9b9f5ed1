//! `DELETE /v1/users/me`: going from everywhere, for good.

use std::time::Duration;

use chat::accounts::Progress;
use domain::error::causes;
use domain::{ApiError, Timestamp};
use lambda_kit::http::{Request, Response};

use crate::Handler;

/// How long the request ends memberships before it leaves the rest to the worker.
const LEAVE_RESERVE: Duration = Duration::from_secs(10);

impl Handler {
    /// Deletes the caller's account. The answer says that the token is worth nothing from here on and that all memberships have
    /// ended or are going to. Repeating it is no error, and goes on where the first one stopped.
    pub(crate) async fn forget(&self, request: &Request) -> Result<Response, ApiError> {
        let user = request.user_id();
        let until = Timestamp::now().plus(LEAVE_RESERVE);
        let connections = self.deletion.begin(user).await?;
        self.pusher.close(connections.iter().map(|connection| connection.connection_id.as_str())).await;
        let tell = async |applied: &[_]| {
            if let Err(error) = self.announce(applied).await {
                // Who is not told finds it in the log.
                tracing::warn!(error = causes(&error), "nobody was told that somebody is gone");
            }
        };
        match self.deletion.leave_all(user, until, tell).await {
            Ok(Progress::Done) => {}
            Ok(Progress::OutOfTime) => self.deletion.hand_over(user).await?,
            // The worker hears of it later, from the message that was sent first.
            Err(error) => tracing::error!(error = causes(&error), "some memberships have not ended yet"),
        }
        Ok(Response::no_content())
    }
}
