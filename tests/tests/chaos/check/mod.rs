//! Everything that has to hold.

pub(crate) mod amendments;
pub(crate) mod history;
pub(crate) mod log;
pub(crate) mod receipts;
pub(crate) mod replica;

use domain::{HistoryPolicy, Period, Periods, UserId};
use end_to_end::Picture;

/// Returns what a user may see; `None` if they were never a member.
pub(crate) fn periods(picture: &Picture, user: UserId) -> Option<Periods> {
    let past = picture.past.get(&user).cloned().unwrap_or_default();
    let active = picture.active.get(&user).map(|member| Period {
        joined_seq: member.joined_seq,
        joined_at: member.joined_at,
        left: None,
    });
    let stays: Vec<_> = past.into_iter().chain(active).collect();
    (!stays.is_empty()).then(|| Periods::visible(stays, HistoryPolicy::SinceJoin))
}
