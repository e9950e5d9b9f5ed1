//! Profiles: `PUT` and `GET /v1/users/me`, `GET /v1/users/{id}`, `GET /v1/users?ids=` and `?q=`; for backends also
//! `POST /v1/server/users`.

mod serve;

use std::collections::HashMap;

use domain::protocol::http::{
    MAX_IDS, MAX_SUBJECT_BYTES, NewUserRequest, ProfileRequest, UserEntry, UsersPage, UsersQuery, pages,
};
use domain::protocol::read::page_size;
use domain::search::Words;
use domain::user::Profile;
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

#[derive(Debug)]
pub struct Handler {
    pub users: Users,
    /// True if users may find each other by name.
    pub user_search: bool,
}

impl Handler {
    /// Answers one request: one SQL statement, for a search two.
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        let users = &self.users;
        match request.route() {
            "POST /v1/users" => post(users, &request).await,
            "PUT /v1/users/me" => put_me(users, &request).await,
            "GET /v1/users/me" => get_me(users, &request).await,
            "GET /v1/users/{id}" => get_one(users, &request).await,
            "GET /v1/users" => self.get_many(&request).await,
            _ => Err(no_such_route()),
        }
    }

    async fn get_many(&self, request: &Request) -> Result<Response, ApiError> {
        let UsersQuery { ids, q, limit } = request.query()?;
        match q {
            Some(q) if ids.is_empty() => self.search(request, &q, limit).await,
            None if limit.is_none() && (1..=MAX_IDS).contains(&ids.len()) => {
                Response::ok(&UsersPage { users: find(&self.users, request, &ids).await? })
            }
            _ => Err(ApiError::invalid(format!("Name 1 to {MAX_IDS} user ids in `ids`, or a name in `q`."))),
        }
    }

    /// Finds users by name, where the deployment lets users do so, and for backends in any case.
    async fn search(&self, request: &Request, q: &str, limit: Option<u64>) -> Result<Response, ApiError> {
        if !self.user_search && request.backend().is_none() {
            return Err(ApiError::new(ErrorCode::SearchOff, "This deployment does not find users by name."));
        }
        let limit = page_size(limit, pages::USERS)?;
        let words = Words::parse(q)?.ok_or_else(|| ApiError::invalid("`q` must have a visible character."))?;
        // It also refuses a caller who is deleted.
        find(&self.users, request, &[]).await?;
        let found = self.users.find(&words, limit).await?;
        Response::ok(&UsersPage { users: found.into_iter().map(UserEntry::Active).collect() })
    }
}

/// Creates or renames the user who has, or will have, tokens with a subject, and so tells a backend the user's id.
async fn post(users: &Users, request: &Request) -> Result<Response, ApiError> {
    let backend = request.backend().ok_or_else(no_such_route)?;
    let NewUserRequest { subject, display_name, custom } = request.json()?;
    if !(1..=MAX_SUBJECT_BYTES).contains(&subject.len()) {
        return Err(ApiError::invalid(format!("`subject` must have 1 to {MAX_SUBJECT_BYTES} bytes.")));
    }
    put(users, UserId::from_token(&backend.issuer, &subject), &Profile::check(&display_name, custom)?).await
}

async fn put_me(users: &Users, request: &Request) -> Result<Response, ApiError> {
    let ProfileRequest { display_name, custom } = request.json()?;
    put(users, request.user_id(), &Profile::check(&display_name, custom)?).await
}

async fn put(users: &Users, user: UserId, profile: &Profile) -> Result<Response, ApiError> {
    match users.put(user, profile).await? {
        Found::User(user) => Response::ok(&user),
        Found::Deleted(_) => Err(ApiError::user_deleted()),
    }
}

async fn get_me(users: &Users, request: &Request) -> Result<Response, ApiError> {
    let me = find(users, request, &[request.user_id()]).await?.pop();
    Response::ok(&me.ok_or_else(ApiError::profile_required)?)
}

async fn get_one(users: &Users, request: &Request) -> Result<Response, ApiError> {
    let found = find(users, request, &[request.id("id")?]).await?.pop();
    Response::ok(&found.ok_or_else(|| ApiError::new(ErrorCode::UserNotFound, "The user does not exist."))?)
}

/// Returns the existing users among these, in this order and without repeats, for a caller who is not deleted.
async fn find(users: &Users, request: &Request, ids: &[UserId]) -> Result<Vec<UserEntry>, ApiError> {
    let caller = request.user_id();
    let mut asked = ids.to_vec();
    asked.push(caller);
    let found = users.get(&asked).await?;
    if found.contains(&Found::Deleted(caller)) {
        return Err(ApiError::user_deleted());
    }
    let mut found: HashMap<UserId, Found> = found.into_iter().map(|found| (found.user_id(), found)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).map(entry).collect())
}
