//! The items that a client received.

use std::collections::BTreeSet;
use std::time::Duration;

use client::Replica;
use domain::period::Left;
use domain::{ConversationType, Message, MessageKind, Periods, Seq, UserId};
use end_to_end::StoredState;

use super::erasure::unheard;

/// Leaving a public conversation writes nothing into its log: a message that is being sent at that moment may still reach, or
/// come from, the user who has just left. This ends with the function's time limit.
const MAX_SEND_TIME: Duration = Duration::from_secs(10);

/// The client has exactly the items that the user may see, in their current state, and lists everything else as hidden.
pub(crate) fn check(state: &StoredState, user: UserId, periods: &Periods, replica: Replica) {
    let public = state.conversation.as_ref().is_some_and(|item| item.kind == ConversationType::Public);
    let Replica { cursor, items: mut seen, reactions, hidden: reported, marks, expired_seq, .. } = replica;
    assert_eq!(expired_seq, state.expired_seq(), "the end of what has expired for {user}");
    let departures: Vec<Left> =
        state.former.get(&user).into_iter().flatten().filter_map(|period| period.left).collect();
    let is_sent_while_leaving = |item: &Message| {
        let just_left = |left: &Left| left.seq < item.seq && item.sent_at.since(left.at) < MAX_SEND_TIME;
        public && !periods.covers(item.seq) && departures.iter().any(just_left)
    };
    let while_leaving: BTreeSet<Seq> =
        seen.values().filter(|item| is_sent_while_leaving(item)).map(|item| item.seq).collect();
    // What such an event changed is neither what the user may see nor what they saw before.
    let changed_while_leaving: BTreeSet<Seq> = while_leaving.iter().filter_map(|seq| seen[seq].kind.target()).collect();
    seen.retain(|seq, _| !while_leaving.contains(seq));
    let unheard = unheard(state, periods);
    for item in state.log.iter().filter(|item| periods.covers(item.seq)) {
        let Some(mut seen) = seen.remove(&item.seq) else { panic!("{user} has not received {item:?}") };
        let mut expected = item.clone().shown_to(user, periods);
        if let MessageKind::Deleted { deleted_seq: None, .. } = expected.kind {
            // It was deleted after the user had left: the client keeps what it has.
            continue;
        }
        if changed_while_leaving.contains(&item.seq) || unheard.contains(&item.sender_id) {
            continue;
        }
        let mut reactions = reactions.get(&item.seq).cloned().unwrap_or_default();
        for users in reactions.values_mut() {
            users.retain(|user| !unheard.contains(user));
        }
        let reactions = reactions.iter().filter(|(_, users)| !users.is_empty());
        let reactions: Vec<_> = reactions.map(|(emoji, users)| (emoji, users.len(), users.contains(&user))).collect();
        let counts = expected.reactions.iter().map(|count| (&count.emoji, count.count as usize, count.mine));
        assert_eq!(reactions, counts.collect::<Vec<_>>(), "reactions that {user} sees at {}", item.seq);
        expected.reactions.clear();
        for message in [&mut seen, &mut expected] {
            // The text of an edit is that of its message at the time of reading.
            if let MessageKind::MessageEdited { content, .. } = &mut message.kind {
                *content = None;
            }
        }
        assert_eq!(seen, expected, "item that {user} sees at {}", item.seq);
    }
    assert!(seen.is_empty(), "{user} received items that are hidden from them: {seen:?}");
    // A client need not be told of ranges below what has expired.
    let hidden = periods.hidden_within(expired_seq.next(), cursor);
    let hidden: Vec<u64> = hidden.iter().flat_map(|range| range.first.0..=range.last.0).collect();
    let is_received = |seq: &u64| while_leaving.contains(&Seq(*seq));
    let reported = reported.iter().flat_map(|(first, last)| first.0..=last.0);
    let reported: Vec<u64> = reported.filter(|seq| *seq > expired_seq.0).collect();
    assert_eq!(
        reported,
        hidden.into_iter().filter(|seq| !is_received(seq)).collect::<Vec<_>>(),
        "ranges that are hidden from {user}"
    );
    // A watermark belongs to a member or former member, and does not exceed the head.
    let head = state.log.last().map_or(Seq::ZERO, |item| item.seq);
    for receipt in marks.values() {
        assert!(receipt.seq <= head, "a receipt beyond the head: {receipt:?}");
    }
}
