//! People chat: every layer real, over real sockets.

mod amendments;
mod connecting;
mod conversations;
mod flood;
mod hostile;
mod messages;
mod public;
mod public_client;
mod public_crowd;
mod receipts;
mod receipts_of_members;
mod sync;
mod users;
