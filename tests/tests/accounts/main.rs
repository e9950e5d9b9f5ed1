//! Accounts: looking people up, finding conversations, blocking, and going for good.

mod blocking;
mod deletion;
mod discovery;
mod lookup;
mod races;
mod setting;
mod unfinished;
