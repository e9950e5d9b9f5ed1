//! Users chat, through every layer, over real sockets.

mod amendments;
mod batches;
mod characters;
mod connecting;
mod conversations;
mod cross_origin;
mod custom;
mod doors;
mod flood;
mod hostile;
mod limits;
mod many_subscribers;
mod mentions;
mod messages;
mod pages;
mod pins;
mod public;
mod public_client;
mod receipts;
mod receipts_of_members;
mod settings;
mod sync;
mod users;
