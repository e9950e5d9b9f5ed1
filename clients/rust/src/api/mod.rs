//! The HTTP API: profiles, conversations and members, messages.

mod conversations;
mod exports;
mod files;
mod messages;
mod search;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use domain::UserId;
use domain::erasure::MessagesOfDeleted;
use domain::protocol::http::{ProfileRequest, UserEntry, UsersPage};
use domain::user::User;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{LocalIssuer, Refusal, TokenSource};

pub use search::SearchFilter;

/// The addresses of a deployment. `target/local/endpoints.json` has this shape.
#[derive(Clone, Debug, Deserialize)]
pub struct Endpoints {
    /// Base of the HTTP API.
    pub http: String,
    /// The WebSocket API with its stage.
    pub websocket: String,
    /// The token endpoint of [`LocalIssuer`]: `POST {"username": …}` returns `{"access_token": …}`. Other token sources leave
    /// it empty.
    #[serde(default)]
    pub oidc_token: String,
}

impl Endpoints {
    /// Reads the addresses from a JSON file.
    pub fn read(path: impl AsRef<Path>) -> std::io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }
}

/// Reasons for which a request has no result.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The token source has no token, so the request was not made.
    #[error("the token source failed")]
    Token(#[source] Box<dyn Error + Send + Sync>),
    /// The server does not accept the token. A request with another one may succeed.
    #[error(transparent)]
    Unauthorized(Refusal),
    /// No response, or one that cannot be read.
    #[error("the request failed or its response cannot be read")]
    Http(#[from] reqwest::Error),
    /// The server's problem details.
    #[error("{detail} ({status}{}{code})", if code.is_empty() { "" } else { " " })]
    Refused {
        status: u16,
        /// Stable code of the error; empty if API Gateway refused the request.
        code: String,
        detail: String,
    },
}

impl ApiError {
    /// Returns true if the request may have succeeded nonetheless; a request for a desired state can be repeated.
    pub const fn is_uncertain(&self) -> bool {
        match self {
            Self::Token(_) | Self::Unauthorized(_) => false,
            Self::Http(_) => true,
            Self::Refused { status, .. } => *status >= 500,
        }
    }
}

/// The body of requests that have none.
pub(crate) const NO_BODY: Option<&()> = None;

/// Whose requests they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// The user of the token.
    User,
    /// A backend, as this user.
    As(UserId),
    /// A backend, as the system.
    System,
}

/// The header that names the user as whom a backend acts.
const AS: &str = "palaver-as";

/// One user's HTTP API; of [`Server`](crate::Server) also what a backend does as a user, or as the system.
#[derive(Clone)]
pub struct Api {
    endpoints: Endpoints,
    tokens: Arc<dyn TokenSource>,
    http: reqwest::Client,
    actor: Actor,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

impl Api {
    /// Creates a client for a user of the local cloud: a shortcut for [`with_tokens`](Self::with_tokens) and a [`LocalIssuer`]
    /// at [`Endpoints::oidc_token`].
    pub fn new(endpoints: Endpoints, username: impl Into<String>) -> Result<Self, ApiError> {
        let http = http_client()?;
        let issuer = LocalIssuer::sharing(http.clone(), endpoints.oidc_token.clone(), username.into());
        Ok(Self { endpoints, tokens: Arc::new(issuer), http, actor: Actor::User })
    }

    /// Creates a client for the user whose tokens a source returns.
    pub fn with_tokens(endpoints: Endpoints, tokens: Arc<dyn TokenSource>) -> Result<Self, ApiError> {
        Ok(Self { endpoints, tokens, http: http_client()?, actor: Actor::User })
    }

    /// Returns the same API for another actor.
    pub(crate) fn acting(&self, actor: Actor) -> Self {
        Self { actor, ..self.clone() }
    }

    pub(crate) fn websocket(&self) -> &str {
        &self.endpoints.websocket
    }

    /// Returns a token of the source, for one connection or request.
    pub async fn fresh_token(&self) -> Result<String, ApiError> {
        self.tokens.token().await
    }

    /// Creates or renames the user's profile, and returns the user's id.
    pub async fn profile(&self, display_name: &str) -> Result<UserId, ApiError> {
        let body = ProfileRequest { display_name: display_name.to_owned(), custom: None };
        let profile: User = self.ask(Method::PUT, "/v1/users/me", Some(&body)).await?;
        Ok(profile.user_id)
    }

    /// Deletes the user's account permanently.
    pub async fn delete_account(&self) -> Result<(), ApiError> {
        self.ask::<Value>(Method::DELETE, "/v1/users/me", NO_BODY).await.map(drop)
    }

    /// Deletes the user's account permanently, and everything that the user wrote.
    pub async fn erase_account(&self) -> Result<(), ApiError> {
        let path = format!("/v1/users/me{}", deletion_query(MessagesOfDeleted::Erase));
        self.ask::<Value>(Method::DELETE, &path, NO_BODY).await.map(drop)
    }

    /// Returns the display name of a user; `None` if the account was deleted.
    pub async fn name_of(&self, user: UserId) -> Result<Option<String>, ApiError> {
        Ok(match self.ask(Method::GET, &format!("/v1/users/{user}"), NO_BODY).await? {
            UserEntry::Active(profile) => Some(profile.display_name),
            UserEntry::Deleted { .. } => None,
        })
    }

    /// Creates or changes the user's profile; a `custom` that is `None` stays.
    pub async fn set_profile(&self, profile: &ProfileRequest) -> Result<User, ApiError> {
        self.ask(Method::PUT, "/v1/users/me", Some(profile)).await
    }

    /// Returns the profiles of up to 100 users.
    pub async fn users(&self, users: &[UserId]) -> Result<Vec<UserEntry>, ApiError> {
        let ids = users.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let page: UsersPage = self.ask(Method::GET, &format!("/v1/users?ids={ids}"), NO_BODY).await?;
        Ok(page.users)
    }

    /// Returns up to `limit` users, 20 at most, whose names have words with these beginnings. Refused with `search_off` where a
    /// deployment does not let users find each other.
    pub async fn find_users(&self, name: &str, limit: usize) -> Result<Vec<UserEntry>, ApiError> {
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let page: UsersPage = self.ask(Method::GET, &format!("/v1/users?q={name}&limit={limit}"), NO_BODY).await?;
        Ok(page.users)
    }

    /// Asks why a handshake with this token was refused. `None` if HTTP accepts the token: then the reason was another one, and
    /// may be over.
    pub(crate) async fn refusal(&self, token: &str) -> Option<Refusal> {
        let request = self.http.get(format!("{}/v1/users/me", self.endpoints.http)).bearer_auth(token);
        match answer::<Value>(request.send().await.ok()?).await {
            Err(ApiError::Refused { code, .. }) if code == USER_DELETED => Some(Refusal::UserDeleted),
            Err(ApiError::Refused { status: 401, .. }) => Some(Refusal::of(token)),
            _ => None,
        }
    }

    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, ApiError> {
        self.ask_with(method, path, body, &[]).await
    }

    /// Makes a request with further headers.
    async fn ask_with<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
        headers: &[(&str, String)],
    ) -> Result<T, ApiError> {
        let token = self.fresh_token().await?;
        // Routes of backends have the names of those of users.
        let path = match (self.actor, path.strip_prefix("/v1/")) {
            (Actor::As(_) | Actor::System, Some(rest)) => Cow::Owned(format!("/v1/server/{rest}")),
            _ => Cow::Borrowed(path),
        };
        let mut request = self.http.request(method, format!("{}{path}", self.endpoints.http)).bearer_auth(&token);
        if let Actor::As(user) = self.actor {
            request = request.header(AS, user.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        answer(request.send().await?).await.map_err(|error| match error {
            ApiError::Refused { status: 401, .. } => ApiError::Unauthorized(Refusal::of(&token)),
            other => other,
        })
    }
}

/// Returns the query that asks for a page of a list: the first one without a cursor.
fn page_after(cursor: Option<impl std::fmt::Display>) -> String {
    cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default()
}

/// The code of the only refusal that no token changes.
const USER_DELETED: &str = "user_deleted";

/// The fields of an error that the client reads. Codes are text: a newer server may have codes that this client does not have.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    /// API Gateway calls it `message`.
    #[serde(default, alias = "message")]
    detail: String,
}

pub(crate) fn http_client() -> Result<reqwest::Client, ApiError> {
    // Fails if the process has chosen a provider, and that one is used then.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().build()?)
}

pub(crate) async fn answer<T: DeserializeOwned>(response: Response) -> Result<T, ApiError> {
    let status = response.status();
    if status == reqwest::StatusCode::NO_CONTENT {
        // The answer has no body: callers that expect nothing read `null`.
        return serde_json::from_value(Value::Null).map_err(|_| ApiError::Refused {
            status: status.as_u16(),
            code: String::new(),
            detail: "the response has no body".to_owned(),
        });
    }
    if status.is_success() {
        return Ok(response.json().await?);
    }
    // A proxy in front of the API may answer in any form.
    let problem = response.json::<Problem>().await.unwrap_or_default();
    Err(ApiError::Refused { status: status.as_u16(), code: problem.code, detail: problem.detail })
}

/// Returns the query of a deletion of a user.
pub(crate) const fn deletion_query(messages: MessagesOfDeleted) -> &'static str {
    match messages {
        MessagesOfDeleted::Keep => "",
        MessagesOfDeleted::Erase => "?messages=erase",
    }
}
