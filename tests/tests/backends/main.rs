//! Backends: server tokens, as whom they act, and the audit.

mod audit;
mod conversations;
mod doors;
mod messages;
mod rust_client;
mod setup;
mod users;
