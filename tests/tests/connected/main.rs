//! Pushes to connected users, by the real functions.

mod blocks;
mod cost;
mod large_group;
mod many_connections;
mod presence;
mod shared_connections;
mod typing;
