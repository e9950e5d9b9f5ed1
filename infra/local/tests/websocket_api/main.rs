//! WebSocket APIs over real sockets, with closures for functions.

mod connect;
mod harness;
mod limits;
mod management;
mod messages;
mod sessions;
mod throttling;
