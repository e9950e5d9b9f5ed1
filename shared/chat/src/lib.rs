//! Palaver's use cases. Each room combines several doors of `store` under the rules of `domain`.
//!
//! * [`log`]: appends, amends and reads the items of a conversation.
//! * [`membership`]: changes conversations and their members, and relays each change from SQL to the log.
//! * [`receipts`]: records receipts as watermarks and reads the status of messages.
//! * [`notify`]: finds the connections to notify and posts frames to them.
//! * [`sending`]: appends a message and notifies its recipients.
//! * [`files`]: the lifecycle of uploaded files.
//! * [`inbox`]: a user's conversations as the user sees them, and sync.
//! * [`archive`]: old segments of logs, which lie on S3.
//! * [`mentions`]: the messages that mention a user.
//! * [`retention`]: deletes messages that are older than they are kept.
//! * [`search`]: the index of messages, and what a user finds in it.
//! * [`accounts`]: deletes users.
//! * [`erasure`]: erases what deleted users wrote, wherever it is.
//! * [`exports`]: writes archives of what a user may see, or of a conversation.
//! * [`imports`]: brings conversations with their history out of such an archive.

pub mod accounts;
pub mod archive;
pub mod erasure;
pub mod exports;
pub mod files;
mod handover;
pub mod imports;
pub mod inbox;
pub mod log;
pub mod membership;
pub mod mentions;
pub mod notify;
pub mod receipts;
pub mod reconcile;
pub mod retention;
pub mod search;
pub mod sending;
