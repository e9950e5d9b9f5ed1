//! What a log has to be, wherever its items are.

use std::collections::BTreeMap;

use domain::{MessageKind, Seq};
use store::dynamodb::LogItem;

use super::actors::{Known, Room};

/// Checks a read of the whole log: every item from the first on, once, and nothing older than what users knew before.
pub(super) fn check_read(room: &Room, before: &Known, items: &[LogItem]) {
    let seqs: Vec<u64> = items.iter().map(|item| item.seq.0).collect();
    let known = before.messages.keys().chain(before.amended.values()).max().copied().unwrap_or_default();
    if !seqs.iter().copied().eq(1..=items.len() as u64) || (items.len() as u64) < known.0 {
        return room.violation(format!("a read up to {known} has {seqs:?}"));
    }
    for item in items {
        check_item(room, before, item);
    }
}

/// Checks one item against what is known.
pub(super) fn check_item(room: &Room, before: &Known, item: &LogItem) {
    let seq = item.seq;
    if let (Some((text, sender)), MessageKind::Text(content)) = (before.messages.get(&seq), &item.kind)
        && (content.text != *text || item.sender_id != *sender)
    {
        room.violation(format!("{seq} has the text {:?} and not {text:?}", content.text));
    }
    let (newest, seen) = (before.amended.get(&seq).copied(), item.amended.map(|amended| amended.seq));
    if newest > seen {
        room.violation(format!("{seq} was amended at {newest:?}, and is read as of {seen:?}"));
    }
}

/// Checks that each message is what the events about it make of it.
pub(super) fn check_events(room: &Room, items: &[LogItem]) {
    let by_seq: BTreeMap<Seq, &LogItem> = items.iter().map(|item| (item.seq, item)).collect();
    let mut newest: BTreeMap<Seq, Seq> = BTreeMap::new();
    let mut reactions = BTreeMap::new();
    for event in items {
        let Some(target) = event.kind.target() else { continue };
        newest.insert(target, event.seq);
        let Some(item) = by_seq.get(&target) else { continue };
        let deleted = matches!(item.kind, MessageKind::Deleted { .. });
        match &event.kind {
            MessageKind::Reaction { emoji, on, .. } => {
                reactions.insert((target, emoji.clone(), event.sender_id), *on);
            }
            MessageKind::MessageEdited { .. } if !deleted && !item.edits.iter().any(|edit| edit.seq == event.seq) => {
                room.violation(format!("{target} lacks its edit at {}", event.seq));
            }
            MessageKind::MessageDeleted { .. } if !deleted => {
                room.violation(format!("{target} was deleted at {}, and is there", event.seq));
            }
            _ => {}
        }
    }
    for ((target, emoji, user), on) in reactions {
        let item = by_seq[&target];
        if !matches!(item.kind, MessageKind::Deleted { .. }) && item.reactions.has(&emoji, user) != on {
            room.violation(format!("a reaction to {target} is {}", if on { "lost" } else { "there again" }));
        }
    }
    for item in items {
        let (newest, seen) = (newest.get(&item.seq).copied(), item.amended.map(|amended| amended.seq));
        if newest != seen {
            room.violation(format!("the newest event about {} is at {newest:?}, and it says {seen:?}", item.seq));
        }
    }
}
