//! API Gateway over real sockets.

mod http_api;
mod oidc;
mod websocket_api;
