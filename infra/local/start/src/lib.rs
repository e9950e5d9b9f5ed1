//! What a start says before the local cloud runs: obstacles, and the progress of builds.
//!
//! Without dependencies, so that it is built in a second.

pub mod obstacles;
pub mod progress;
