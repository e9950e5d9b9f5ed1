//! The rules of a whole run: those of the log, and those of what amends, acknowledges and reads it.

mod amendments;
mod reads;
mod receipts;

use std::collections::BTreeMap;

use domain::{Periods, Receipt, ReceiptKind, Seq, Timestamp, UserId};
use store::dynamodb::LogItem;

use crate::chaos::check::{Rule, RunRecord, Violation, check as check_log};
use crate::device::amend::Amended;
use crate::device::sync::Synced;

/// Everything that a run leaves behind.
pub(crate) struct Finished {
    /// The log and the messages, as if nobody had amended one.
    pub(crate) record: RunRecord,
    /// The log as it is.
    pub(crate) items: Vec<LogItem>,
    pub(crate) amended: Vec<Amended>,
    pub(crate) receipts: Vec<Receipt>,
    /// True if users came and went without an item.
    pub(crate) is_public: bool,
    /// Times by kind, seq and user, as the tables have them.
    pub(crate) reached: BTreeMap<(ReceiptKind, Seq, UserId), Timestamp>,
    pub(crate) synced: Vec<Synced>,
    /// What each user may see in the end.
    pub(crate) periods: BTreeMap<UserId, Periods>,
    /// What never came to an end.
    pub(crate) unfinished: Vec<String>,
}

/// Returns all violations of a finished run.
pub(crate) fn check(finished: &Finished) -> Vec<Violation> {
    let mut violations = check_log(&finished.record);
    violations.extend(finished.unfinished.iter().map(|work| Violation::new(Rule::Answer, work.clone())));
    amendments::check(finished, &mut violations);
    receipts::check(finished, &mut violations);
    reads::check(finished, &mut violations);
    violations
}

fn expect(violations: &mut Vec<Violation>, rule: Rule, holds: bool, detail: impl FnOnce() -> String) {
    if !holds {
        violations.push(Violation::new(rule, detail()));
    }
}
