//! API Gateway: HTTP APIs, WebSocket APIs with `@connections`, an issuer of tokens, and throttling.

#![warn(missing_docs)]

pub mod http_api;
mod iam_policy;
pub mod oidc;
pub mod throttle;
pub mod websocket_api;
