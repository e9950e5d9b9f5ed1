//! For each seq the earliest time counts, in whatever order the queue delivers.

use domain::{ReceiptKind, Seq, Timestamp};

use super::{Finished, expect};
use crate::chaos::check::{Rule, Violation};

pub(super) fn check(finished: &Finished, violations: &mut Vec<Violation>) {
    // Deliveries are not kept there, nor reads of what somebody wrote as they left.
    if finished.is_public {
        return;
    }
    for receipt in &finished.receipts {
        for kind in [ReceiptKind::Delivered, ReceiptKind::Read] {
            let covering = finished
                .receipts
                .iter()
                .filter(|other| other.kind == kind && other.user_id == receipt.user_id && other.seq >= receipt.seq);
            let earliest: Option<Timestamp> = covering.map(|other| other.at).min();
            let key: (ReceiptKind, Seq, _) = (kind, receipt.seq, receipt.user_id);
            let found = finished.reached.get(&key).copied();
            expect(violations, Rule::Receipt, found == earliest, || format!("{found:?}, not {earliest:?} at {key:?}"));
        }
    }
}
