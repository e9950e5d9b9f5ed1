//! Pushes to connected users, by the real functions.

mod large_group;
mod presence;
mod typing;
