//! Pushes to connected users, by the real functions.

mod crowd;
mod presence;
mod typing;
