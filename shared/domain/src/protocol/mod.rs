//! The protocol: frames that clients send ([`request`]) and frames that they receive ([`event`]).

pub mod event;
pub mod request;
pub mod sync;

pub use event::{Answer, ErrorBody, Push, Reply, Sent, Unread};
pub use request::{
    CheckedDraft, DraftRequest, ReceiptEntry, ReceiptsRequest, SendRequest, SubscribeRequest, TypingRequest,
};
pub use sync::{SyncRequest, Synced, SyncedConversation};
