//! Palaver's client library: the half of the protocol that clients keep.
//!
//! [`Client`] holds a WebSocket connection for one user: it sends texts and receipts, and reports everything that happens in
//! the user's conversations as [`Event`]s. [`Api`] makes that user's HTTP requests. Both take their tokens from a
//! [`TokenSource`]: the [`LocalIssuer`] of the local cloud, a [`FixedToken`], or your own implementation.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use client::{Api, Client, Endpoints, Event, LocalIssuer, Pace};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoints = Endpoints::read("target/local/endpoints.json")?;
//! let tokens = Arc::new(LocalIssuer::new(&endpoints.oidc_token, "alice")?);
//! let api = Arc::new(Api::with_tokens(endpoints, tokens)?);
//! let user = api.profile("Alice").await?;
//! let (client, mut events) = Client::start(api, user, Pace::default());
//! while let Some(event) = events.recv().await {
//!     if let Event::Item(item) = event {
//!         println!("{:?}", item.kind);
//!         client.read(item.conversation_id, item.seq);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `examples/echo-bot.rs` is a complete program.
//!
//! # Backends
//!
//! [`Server`] makes the requests of a backend, as any user or as the system, with the tokens of [`ClientCredentials`].
//!
//! # Connections and tokens
//!
//! The client requests a token from the source for every request and every connection. A connection is renewed one minute
//! before the `exp` of its token, and in any case at a random time before API Gateway's limit of two hours; [`Pace`] has these
//! and all other intervals. Connections that fail are retried with full jitter until the client is dropped. A token that the
//! server does not accept is no reason to retry for ever: the client asks the source for another one, and stops with
//! [`Event::Refused`] if that is the same or refused, too.
//!
//! # Consistency
//!
//! A push is an optimisation, and the log is the source of truth. So a client keeps one cursor per conversation ([`replica`]),
//! syncs what it missed, resends what was not answered, and expects any connection to end. A client in another language needs
//! the same modules; the decisions are separate from the sockets.
//!
//! Nothing is stored on disk: a new client syncs each conversation from its beginning and reports all of its items.

mod api;
mod back_off;
mod client;
mod client_credentials;
mod connection;
mod event;
mod imports;
mod outbox;
mod pace;
mod receipts;
mod refusal;
pub mod replica;
mod server;
mod server_frame;
mod subscriptions;
mod sync_schedule;
mod token;

pub use api::{Api, ApiError, Endpoints, SearchFilter};
pub use client::Client;
pub use client_credentials::ClientCredentials;
/// The types of conversations, messages and identifiers.
pub use domain;
pub use event::Event;
pub use outbox::{Draft, SendError};
pub use pace::Pace;
pub use refusal::Refusal;
pub use replica::Replica;
pub use server::{AuditFilter, Server};
pub use token::{FixedToken, LocalIssuer, TokenFuture, TokenSource, unverified_claims};
