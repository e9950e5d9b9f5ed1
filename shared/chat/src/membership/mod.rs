//! Changes of conversations and their members: decided in SQL, relayed to the log and its projection.

pub(crate) mod blocks;
mod change;
mod member_page;
mod relay;

pub use change::{Changed, Membership, Opened};
pub use member_page::MemberPage;
pub use relay::{Applied, Projection, Relay};
