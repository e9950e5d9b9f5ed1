//! What the end-to-end tests stand on: a local cloud of their own, people with tokens, and sockets.
//!
//! * [`cloud`]: the real `local-cloud` binary, on free ports.
//! * [`deferred`]: groups of many members.
//! * [`faults`]: what goes wrong in it, and when.
//! * [`person`]: somebody with a token, over HTTP.
//! * [`picture`]: all that is stored about a conversation, and whether it agrees.
//! * [`socket`]: one of their connections.

pub mod aws;
pub mod cloud;
pub mod crowd;
pub mod faults;
pub mod person;
pub mod picture;
pub mod socket;

pub use cloud::Cloud;
pub use person::Person;
pub use picture::Picture;
pub use socket::Socket;
