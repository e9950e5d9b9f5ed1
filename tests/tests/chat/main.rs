//! People chat: every layer real, over real sockets.

mod amendments;
mod connecting;
mod conversations;
mod hostile;
mod messages;
mod receipts;
mod sync;
mod users;
