//! Profiles: `PUT` and `GET /v1/users/me`, `GET /v1/users/{id}`.

use domain::user::{DisplayName, User};
use domain::{ApiError, ErrorCode, UserId};
use lambda_kit::http::{Request, Response};
use serde::Deserialize;
use store::sql::Users;
use store::sql::users::Found;

/// Body of `PUT /v1/users/me`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    display_name: String,
}

/// Answers one request: one SQL statement.
pub async fn handle(users: &Users, request: Request) -> Result<Response, ApiError> {
    match request.route() {
        "PUT /v1/users/me" => put_me(users, &request).await,
        "GET /v1/users/me" => get(users, request.user_id(), ErrorCode::ProfileRequired).await,
        "GET /v1/users/{id}" => get(users, request.id("id")?, ErrorCode::UserNotFound).await,
        _ => Err(ApiError::new(ErrorCode::NotFound, "No such route.")),
    }
}

async fn put_me(users: &Users, request: &Request) -> Result<Response, ApiError> {
    let profile: Profile = request.json()?;
    let display_name = DisplayName::parse(&profile.display_name)?;
    Response::ok(&living(users.put(request.user_id(), &display_name).await?)?)
}

async fn get(users: &Users, user: UserId, absent: ErrorCode) -> Result<Response, ApiError> {
    let message = match absent {
        ErrorCode::ProfileRequired => "You have no profile yet: PUT /v1/users/me makes one.",
        _ => "No such user.",
    };
    let found = users.get(user).await?.ok_or_else(|| ApiError::new(absent, message))?;
    Response::ok(&living(found)?)
}

fn living(found: Found) -> Result<User, ApiError> {
    match found {
        Found::User(user) => Ok(user),
        Found::Deleted => Err(ApiError::new(ErrorCode::UserDeleted, "This user was deleted.")),
    }
}
