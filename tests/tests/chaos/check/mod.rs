//! Everything that has to hold.

pub(crate) mod amendments;
pub(crate) mod erasure;
pub(crate) mod history;
pub(crate) mod log;
pub(crate) mod receipts;
pub(crate) mod replica;
pub(crate) mod search;

use domain::{HistoryPolicy, Period, Periods, UserId};
use end_to_end::StoredState;

/// Returns what a user may see of a log, without what has expired; `None` if they were never a member.
pub(crate) fn periods(state: &StoredState, user: UserId) -> Option<Periods> {
    let former = state.former.get(&user).cloned().unwrap_or_default();
    let active = state.active.get(&user).map(|member| Period {
        joined_seq: member.joined_seq,
        joined_at: member.joined_at,
        left: None,
    });
    let all: Vec<_> = former.into_iter().chain(active).collect();
    (!all.is_empty()).then(|| Periods::visible(all, HistoryPolicy::SinceJoin).after_expiry(state.expired_seq()))
}
