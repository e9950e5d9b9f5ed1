//! Notifying: finds the connections that receive something at once, and posts frames to them.
//!
//! * [`Recipients`]: finds the connections to notify of a conversation.
//! * [`Notifier`]: notifies a conversation of items of its log; the `fanout` worker does it for large ones. A [`Notice`] has messages of one
//!   send.
//! * [`UserNotifier`]: posts frames to all connections of single users.
//! * [`TypingNotifier`]: notifies the other members that a user is typing.
//! * [`PublicSubscriptions`]: subscribes connections to public conversations.
//!
//! A push is an optimisation, and the log is the source of truth: a client that misses a push finds the item when it syncs. So
//! nothing here fails a request because connections cannot be read, posted to or handed over.

mod audience;
mod expiry;
mod notice;
mod notifier;
mod recent_connections;
mod recipients;
mod shared_connections;
mod subscriptions;
mod typing;
mod users;

pub use audience::Audience;
pub use notice::Notice;
pub use notifier::Notifier;
pub use recipients::{Recipient, Recipients};
pub use subscriptions::{PublicSubscriptions, Subscriber};
pub use typing::TypingNotifier;
pub use users::UserNotifier;
