//! Notifying: finds the connections that receive an item of the log, and posts frames to them.

mod delivery;
mod recipients;
mod subscribing;
mod typing;

pub use delivery::Delivery;
pub use recipients::{Audience, Recipient, Recipients};
pub use subscribing::{Subscriber, Subscribing};
pub use typing::audience as typing_audience;
