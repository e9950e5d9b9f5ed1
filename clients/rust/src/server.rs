//! The HTTP API of backends.

use std::sync::Arc;

use domain::UserId;
use domain::erasure::{Erasure, MessagesOfDeleted};
use domain::protocol::http::{AuditCursor, AuditDay, AuditPage, NewUserRequest};
use domain::user::User;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;

use crate::api::{Actor, NO_BODY, deletion_query};
use crate::{Api, ApiError, Endpoints, TokenSource};

/// What a backend does: as any user, as the system, and with users who have not signed in yet.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use client::{ClientCredentials, Endpoints, Server};
/// # use client::domain::ClientMessageId;
/// # async fn example(id: ClientMessageId) -> Result<(), Box<dyn std::error::Error>> {
/// let file = "target/local/endpoints.json";
/// let server = Server::new(Endpoints::read(file)?, Arc::new(ClientCredentials::local(file)?))?;
/// let alice = server.create_user("alice", "Alice").await?;
/// let bob = server.create_user("bob", "Bob").await?;
/// let conversation = server.acting_as(alice).group("Team", &[bob]).await?;
/// server.system().send(conversation, id, None, "Welcome!").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    system: Api,
}

/// The part of the audit to read: by default the caller's requests of today.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// The client of the issuer; `None` for the caller's own.
    pub client_id: Option<String>,
    /// The day in UTC; `None` for today.
    pub day: Option<AuditDay>,
    /// That of the page before.
    pub cursor: Option<AuditCursor>,
}

impl Server {
    /// Creates the API of a backend with the server tokens of a source, such as [`ClientCredentials`](crate::ClientCredentials).
    pub fn new(endpoints: Endpoints, tokens: Arc<dyn TokenSource>) -> Result<Self, ApiError> {
        Ok(Self { system: Api::with_tokens(endpoints, tokens)?.acting(Actor::System) })
    }

    /// Returns the API as the system has it: requests that need a user are refused.
    pub fn system(&self) -> &Api {
        &self.system
    }

    /// Returns the API as this user has it. Files, search, presence and discovery are not among the routes of backends.
    pub fn acting_as(&self, user: UserId) -> Api {
        self.system.acting(Actor::As(user))
    }

    /// Creates or renames the user whose tokens have this subject, and returns the user's id.
    pub async fn create_user(&self, subject: &str, display_name: &str) -> Result<UserId, ApiError> {
        let body = NewUserRequest { subject: subject.to_owned(), display_name: display_name.to_owned(), custom: None };
        let user: User = self.system.ask(Method::POST, "/v1/users", Some(&body)).await?;
        Ok(user.user_id)
    }

    /// Deletes a user permanently, and with [`MessagesOfDeleted::Erase`] everything that the user wrote.
    pub async fn delete_user(&self, user: UserId, messages: MessagesOfDeleted) -> Result<(), ApiError> {
        let path = format!("/v1/users/{user}{}", deletion_query(messages));
        self.system.ask::<Value>(Method::DELETE, &path, NO_BODY).await.map(drop)
    }

    /// Returns how far the erasure of a user is.
    pub async fn erasure(&self, user: UserId) -> Result<Erasure, ApiError> {
        self.system.ask(Method::GET, &format!("/v1/users/{user}/erasure"), NO_BODY).await
    }

    /// Returns a page of the audit, oldest first: up to 500 requests of backends.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<AuditPage, ApiError> {
        let parameter = |name: &str, value: Option<String>| {
            let encode = |value: String| format!("&{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC));
            value.map(encode).unwrap_or_default()
        };
        let client_id = parameter("client_id", filter.client_id.clone());
        let day = parameter("day", filter.day.map(|day| day.to_string()));
        let cursor = parameter("cursor", filter.cursor.as_ref().map(ToString::to_string));
        self.system.ask(Method::GET, &format!("/v1/audit?limit=500{client_id}{day}{cursor}"), NO_BODY).await
    }
}
