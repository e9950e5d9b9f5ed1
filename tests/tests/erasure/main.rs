//! Erasure, end to end: nothing that a deleted user wrote is left in any store, and others keep what is theirs.
//!
//! The tests look through all stores for words that occur nowhere else.

mod archiving;
mod crashes;
mod everywhere;
mod holds;
mod requests;
mod room;
mod sending;
mod stores;
