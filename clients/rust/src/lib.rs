//! Palaver's client library: the half of the protocol that clients keep.
//!
//! A push is an optimisation and the log is the truth. So a client keeps one cursor per conversation ([`replica`]), syncs what
//! it missed, resends what was not answered, and expects any connection to end. A client in another language needs the same
//! rooms; decisions are apart from the sockets.

mod api;
mod back_off;
mod client;
mod connection;
mod outbox;
mod pace;
mod receipts;
pub mod replica;
mod server_frame;
mod subscriptions;
mod sync_schedule;
mod token;

pub use api::{Api, ApiError, Endpoints, History, Recipients};
pub use client::{Client, Event};
pub use outbox::SendError;
pub use pace::Pace;
pub use replica::Replica;
pub use token::{FixedToken, LocalIssuer, TokenFuture, TokenSource, unverified_claims};
