//! The protocol: frames that clients send ([`request`]) and receive ([`event`]) over WebSocket, and the bodies of the HTTP API
//! ([`http`]).

pub mod event;
pub mod http;
pub mod request;
pub mod sync;

pub use event::{Answer, ErrorBody, Push, Reply, Sent, Unread};
pub use request::{
    CheckedDraft, DraftRequest, ReceiptEntry, ReceiptsRequest, SendRequest, SubscribeRequest, TypingRequest,
};
pub use sync::{SyncRequest, Synced, SyncedConversation};
