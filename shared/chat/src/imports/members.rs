//! Members and former members of a conversation, as the file has them.

use domain::period::Left;
use domain::{Period, Role, Seq, Timestamp};
use serde::{Deserialize, Serialize};

/// A current membership period. All seqs are those of the file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Current {
    pub(super) role: Role,
    pub(super) joined_seq: Seq,
    pub(super) joined_at: Timestamp,
    pub(super) muted_until: Option<Timestamp>,
}

/// A user who is or was a member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PlannedMember {
    /// The current period by the system messages so far.
    pub(super) current: Option<Current>,
    /// The membership periods that have ended.
    pub(super) past: Vec<Period>,
    /// The same as the file lists them.
    pub(super) listed: Option<Listed>,
}

/// What the file lists of a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) role: Option<Role>,
    pub(super) joined: Option<(Seq, Timestamp)>,
    pub(super) muted_until: Option<Timestamp>,
    pub(super) periods: Vec<Period>,
}

/// Returns the period that ends here.
pub(super) fn ended(current: Current, seq: Seq, at: Timestamp) -> Period {
    let Current { joined_seq, joined_at, .. } = current;
    // A period without items ends before it begins.
    let left = Left { seq: seq.max(joined_seq.previous()), at: at.max(joined_at) };
    Period { joined_seq, joined_at, left: Some(left) }
}
