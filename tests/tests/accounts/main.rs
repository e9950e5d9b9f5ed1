//! Accounts: profiles, search for conversations, blocks, and deletion.

mod blocking;
mod deletion;
mod discovery;
mod large_deletion;
mod lookup;
mod names;
mod races;
mod setup;
mod unfinished;
