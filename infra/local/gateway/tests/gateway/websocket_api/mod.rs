//! WebSocket APIs over real sockets, with closures for functions.

mod connect;
mod events;
mod harness;
mod limits;
mod management;
mod messages;
mod sessions;
mod throttling;
