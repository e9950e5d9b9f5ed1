//! What reaches people while they are connected, against the real functions.

mod crowd;
mod presence;
mod typing;
