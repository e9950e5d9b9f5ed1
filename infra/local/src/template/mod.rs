//! Reads a SAM template.

pub mod model;
