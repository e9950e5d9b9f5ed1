//! The WebSocket protocol: what clients say ([`request`]) and what they are told ([`event`]).

pub mod event;
pub mod request;
pub mod sync;

pub use event::{Answer, ErrorBody, Push, Reply, Sent, Unread};
pub use request::{
    CheckedDraft, DraftRequest, ReceiptEntry, ReceiptsRequest, SendRequest, SubscribeRequest, TypingRequest,
};
pub use sync::{SyncRequest, Synced, SyncedConversation};
