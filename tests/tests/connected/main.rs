//! Pushes to connected users, by the real functions.

mod blocks;
mod large_group;
mod presence;
mod typing;
