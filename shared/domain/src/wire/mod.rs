//! The WebSocket protocol: what clients say ([`request`]) and what they are told ([`event`]).

pub mod event;
pub mod request;

pub use event::{ErrorBody, Event};
pub use request::{ReceiptEntry, ReceiptsRequest, SendRequest};
