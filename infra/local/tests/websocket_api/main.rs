//! WebSocket APIs over real sockets, with closures for functions.

mod connect;
mod events;
mod harness;
mod limits;
mod management;
mod messages;
#[path = "../recorded/mod.rs"]
mod recorded;
mod sessions;
mod throttling;
