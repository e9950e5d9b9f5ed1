//! A page has exactly what its reader may see, and says what it leaves out.

use std::collections::BTreeMap;

use domain::{Periods, Seq};
use store::dynamodb::LogItem;

use super::{Finished, expect};
use crate::chaos::check::{Rule, Violation};
use crate::device::sync::Synced;

pub(super) fn check(finished: &Finished, violations: &mut Vec<Violation>) {
    // A page that was under way as its reader left shows what came a moment later as well.
    if finished.is_public {
        return;
    }
    let items: BTreeMap<Seq, &LogItem> = finished.items.iter().map(|item| (item.seq, item)).collect();
    for synced in &finished.synced {
        let Some(periods) = finished.periods.get(&synced.user) else { continue };
        check_page(synced, periods, &items, violations);
    }
}

fn check_page(synced: &Synced, periods: &Periods, items: &BTreeMap<Seq, &LogItem>, violations: &mut Vec<Violation>) {
    let Synced { cursor, known, page, .. } = synced;
    let about = || format!("{synced:?} of {periods:?}");
    let seqs: Vec<Seq> = page.messages.iter().map(|message| message.seq).collect();
    expect(violations, Rule::Read, seqs.is_sorted_by(|a, b| a < b), about);
    for message in &page.messages {
        let logged = items.get(&message.seq).is_some_and(|item| item.message_id == message.message_id);
        expect(violations, Rule::Read, logged && message.seq > *cursor && periods.covers(message.seq), about);
    }
    // Every seq up to the end is in the page or hidden, and not both.
    let end = if page.more { seqs.last().copied().unwrap_or(*cursor) } else { page.head_seq.max(*cursor) };
    for seq in cursor.0 + 1..=end.0 {
        let seq = Seq(seq);
        let hidden = page.hidden.iter().any(|[first, last]| (*first..=*last).contains(&seq));
        let holds = seqs.contains(&seq) != hidden && hidden != periods.covers(seq);
        expect(violations, Rule::Read, holds, || format!("{seq} in {}", about()));
    }
    expect(violations, Rule::Read, page.head_seq >= *known, about);
}
