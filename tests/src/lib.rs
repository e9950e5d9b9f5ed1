//! The harness of the end-to-end tests: a local cloud of their own, users with tokens, and sockets.
//!
//! * [`cloud`]: the real `local-cloud` binary, on free ports.
//!
//! * [`crash`]: invocations that crash within the test's own process.
//!
//! * [`lambda`]: invocations of single functions.
//!
//! * [`large_conversation`]: groups with many members.
//!
//! * [`long_log`]: logs that are long from the beginning.
//!
//! * [`faults`]: faults of the cloud's services.
//!
//! * [`test_backend`]: a program with a server token, over HTTP.
//!
//! * [`test_user`]: a user with a token, over HTTP.
//!
//! * [`redis`]: a server for the shared cache.
//!
//! * [`stored_archive`]: everything that the archive has of a conversation.
//!
//! * [`stored_state`]: everything that is stored about a conversation, and checks that it agrees.
//!
//! * [`socket`]: a connection of a user.

pub mod aws;
pub mod cloud;
pub mod crash;
mod denials;
pub mod faults;
pub mod lambda;
pub mod large_conversation;
pub mod long_log;
pub mod redis;
pub mod socket;
pub mod stored_archive;
pub mod stored_state;
pub mod test_backend;
pub mod test_user;

pub use cloud::Cloud;
pub use socket::Socket;
pub use stored_archive::StoredArchive;
pub use stored_state::StoredState;
pub use test_backend::TestBackend;
pub use test_user::TestUser;
