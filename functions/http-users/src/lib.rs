//! Profiles: `PUT` and `GET /v1/users/me`, `GET /v1/users/{id}` and `GET /v1/users?ids=`; for backends also
//! `POST /v1/server/users`.

mod serve;

use std::collections::HashMap;

use domain::protocol::http::{
    MAX_IDS, MAX_SUBJECT_BYTES, NewUserRequest, ProfileRequest, UserEntry, UsersPage, UsersQuery,
};
use domain::user::DisplayName;
use domain::{ApiError, ErrorCode, UserId};
use lambda_kit::http::{Request, Response, no_such_route};
use store::sql::Users;
use store::sql::users::Found;

pub use serve::serve;

fn entry(found: Found) -> UserEntry {
    match found {
        Found::User(user) => UserEntry::Active(user),
        Found::Deleted(user_id) => UserEntry::Deleted { user_id, deleted: true },
    }
}

/// Answers one request: one SQL statement.
pub async fn handle(users: &Users, request: Request) -> Result<Response, ApiError> {
    match request.route() {
        "POST /v1/users" => post(users, &request).await,
        "PUT /v1/users/me" => put_me(users, &request).await,
        "GET /v1/users/me" => get_me(users, &request).await,
        "GET /v1/users/{id}" => get_one(users, &request).await,
        "GET /v1/users" => get_many(users, &request).await,
        _ => Err(no_such_route()),
    }
}

/// Creates or renames the user who has, or will have, tokens with a subject, and so tells a backend the user's id.
async fn post(users: &Users, request: &Request) -> Result<Response, ApiError> {
    let backend = request.backend().ok_or_else(no_such_route)?;
    let NewUserRequest { subject, display_name } = request.json()?;
    if !(1..=MAX_SUBJECT_BYTES).contains(&subject.len()) {
        return Err(ApiError::invalid(format!("`subject` must have 1 to {MAX_SUBJECT_BYTES} bytes.")));
    }
    put(users, UserId::from_token(&backend.issuer, &subject), &display_name).await
}

async fn put_me(users: &Users, request: &Request) -> Result<Response, ApiError> {
    let ProfileRequest { display_name } = request.json()?;
    put(users, request.user_id(), &display_name).await
}

async fn put(users: &Users, user: UserId, display_name: &str) -> Result<Response, ApiError> {
    match users.put(user, &DisplayName::parse(display_name)?).await? {
        Found::User(user) => Response::ok(&user),
        Found::Deleted(_) => Err(deleted()),
    }
}

async fn get_me(users: &Users, request: &Request) -> Result<Response, ApiError> {
    let message = "You have no profile. Create one with PUT /v1/users/me.";
    let me = find(users, request, &[request.user_id()]).await?.pop();
    Response::ok(&me.ok_or_else(|| ApiError::new(ErrorCode::ProfileRequired, message))?)
}

async fn get_one(users: &Users, request: &Request) -> Result<Response, ApiError> {
    let found = find(users, request, &[request.id("id")?]).await?.pop();
    Response::ok(&found.ok_or_else(|| ApiError::new(ErrorCode::UserNotFound, "The user does not exist."))?)
}

async fn get_many(users: &Users, request: &Request) -> Result<Response, ApiError> {
    let UsersQuery { ids } = request.query()?;
    if !(1..=MAX_IDS).contains(&ids.len()) {
        return Err(ApiError::invalid(format!("`ids` must have 1 to {MAX_IDS} user ids.")));
    }
    Response::ok(&UsersPage { users: find(users, request, &ids).await? })
}

/// Returns the existing users among these, in this order and without repeats, for a caller who is not deleted.
async fn find(users: &Users, request: &Request, ids: &[UserId]) -> Result<Vec<UserEntry>, ApiError> {
    let caller = request.user_id();
    let mut asked = ids.to_vec();
    asked.push(caller);
    let found = users.get(&asked).await?;
    if found.contains(&Found::Deleted(caller)) {
        return Err(deleted());
    }
    let mut found: HashMap<UserId, Found> = found.into_iter().map(|found| (found.user_id(), found)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).map(entry).collect())
}

fn deleted() -> ApiError {
    ApiError::new(ErrorCode::UserDeleted, "This user was deleted.")
}
