//! Palaver's reference client: the half of the protocol that clients keep.
//!
//! A push is an optimisation, the log is the truth. So a client keeps one cursor per conversation ([`replica`]), asks for what
//! it missed, repeats what was not answered, and takes any connection for a passing thing. What is here is what a client
//! in another language has to do as well, one concern a file, the decisions apart from the sockets.

mod api;
mod back_off;
mod client;
mod connection;
mod incoming;
mod outbox;
mod pace;
mod receipts;
pub mod replica;
mod subscriptions;
mod syncing;

pub use api::{Api, ApiError, Endpoints, History, Recipients};
pub use client::{Client, Event};
pub use outbox::SendError;
pub use pace::Pace;
pub use replica::Replica;
