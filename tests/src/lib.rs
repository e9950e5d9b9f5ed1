//! The harness of the end-to-end tests: a local cloud of their own, users with tokens, and sockets.
//!
//! * [`cloud`]: the real `local-cloud` binary, on free ports.
//!
//! * [`crowd`]: groups with many members.
//!
//! * [`faults`]: faults of the cloud's services.
//!
//! * [`person`]: a user with a token, over HTTP.
//!
//! * [`picture`]: everything that is stored about a conversation, and checks that it agrees.
//!
//! * [`socket`]: a connection of a user.

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
