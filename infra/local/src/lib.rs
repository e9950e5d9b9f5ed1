//! A local cloud for SAM applications.

pub mod aurora;
pub mod dynamodb;
pub mod http_api;
pub mod lambda;
pub mod oidc;
pub mod sqs;
pub mod template;
pub mod websocket_api;
