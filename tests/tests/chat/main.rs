//! People chat: every layer real, over real sockets.

mod connecting;
mod conversations;
mod hostile;
mod messages;
mod receipts;
mod users;
