//! What has to be true of the log, and of what each client saw of it.

use std::collections::BTreeMap;

use client::Replica;
use domain::{HistoryPolicy, MessageKind, Periods, Seq, UserId};
use end_to_end::Picture;

use crate::people::Accepted;

/// Every message that was accepted is in the log once, where its sender was told, and nobody's words are there twice.
pub(crate) fn log(picture: &Picture, accepted: &[&Accepted]) {
    let mut places: BTreeMap<&str, Seq> = BTreeMap::new();
    for item in &picture.log {
        if let MessageKind::Text(content) = &item.kind {
            let twice = places.insert(&content.text, item.seq);
            assert_eq!(twice, None, "{} has two places, {} is the second", content.text, item.seq);
        }
    }
    for sent in accepted {
        assert_eq!(places.get(sent.text.as_str()), Some(&sent.seq), "{} of {}", sent.text, sent.sender);
    }
    let told: BTreeMap<&str, Seq> = accepted.iter().map(|sent| (sent.text.as_str(), sent.seq)).collect();
    let untold: Vec<_> = places.keys().filter(|text| !told.contains_key(**text)).collect();
    assert!(untold.is_empty(), "refused, and in the log: {untold:?}");
    // Whoever sends one after the other is heard in that order.
    for pair in accepted.windows(2).filter(|pair| pair[0].sender == pair[1].sender) {
        assert!(pair[0].seq < pair[1].seq, "{} came after {}", pair[0].seq, pair[1].seq);
    }
}

/// What a user may see; `None` for whoever was never there.
pub(crate) fn periods(picture: &Picture, user: UserId) -> Option<Periods> {
    let past = picture.past.get(&user).cloned().unwrap_or_default();
    let active = picture.active.get(&user).map(|member| domain::Period {
        joined_seq: member.joined_seq,
        joined_at: member.joined_at,
        left: None,
    });
    let stays: Vec<_> = past.into_iter().chain(active).collect();
    (!stays.is_empty()).then(|| Periods::visible(stays, HistoryPolicy::SinceJoin))
}

/// The client has exactly what the user may see, in its place, and everything else is named hidden.
pub(crate) fn replica(picture: &Picture, user: UserId, periods: &Periods, replica: &Replica) {
    let visible = picture.log.iter().filter(|item| periods.covers(item.seq));
    let expected: BTreeMap<Seq, _> = visible.map(|item| (item.seq, (item.message_id, &item.kind))).collect();
    let seen: BTreeMap<Seq, _> =
        replica.items.iter().map(|(seq, item)| (*seq, (item.message_id, &item.kind))).collect();
    assert_eq!(seen, expected, "what {user} saw");
    let hidden = periods.hidden_within(Seq(1), replica.cursor);
    let hidden: Vec<u64> = hidden.iter().flat_map(|range| range.first.0..=range.last.0).collect();
    let named: Vec<u64> = replica.hidden.iter().flat_map(|(first, last)| first.0..=last.0).collect();
    assert_eq!(named, hidden, "what is hidden from {user}");
    // A mark is of somebody who was there, and not beyond what there is.
    let head = picture.log.last().map_or(Seq::ZERO, |item| item.seq);
    for receipt in replica.marks.values() {
        assert!(receipt.seq <= head, "a receipt of what is not there: {receipt:?}");
    }
}
