//! The protocol: frames that clients send ([`send`], [`request`]) and receive ([`event`]) over WebSocket, and the bodies of the
//! HTTP API ([`http`]); [`read`] reads them.

pub mod event;
pub mod http;
pub mod read;
pub mod request;
pub mod send;
pub mod sync;

use serde::{Deserialize, Deserializer};

pub use event::{Answer, ErrorBody, Push, Reply, Sent, SentAnswer, SentBatch, SentEntry, Unread};
pub use request::{MAX_FRAME_ID_BYTES, ReceiptEntry, ReceiptsRequest, SubscribeRequest, TypingRequest};
pub use send::{CheckedDraft, CheckedSend, DraftRequest, MAX_BATCH_MESSAGES, SendBody, SendRequest};
pub use sync::{SyncRequest, Synced, SyncedConversation};

/// Parses a field whose `null` is the same as its absence; for `deserialize_with` beside `default`.
fn or_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
