//! The lag of a replica.

use serde::{Deserialize, Serialize};

/// The lag of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lag {
    /// By the newest writes, whatever their age.
    Writes(u32),
    /// By the writes of the last milliseconds.
    Ms(u32),
}
