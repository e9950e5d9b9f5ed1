//! Edits, deletions and reactions: the stored message agrees with its events, and so do the answers.

use std::collections::{BTreeMap, BTreeSet};

use domain::reaction::Emoji;
use domain::{MessageKind, Periods, Seq, UserId};
use end_to_end::StoredState;
use store::dynamodb::LogItem;

use super::erasure::erased;
use crate::operations::{Completed, Operation, Outcome};

/// The events of a log about one message.
#[derive(Debug, Default)]
struct Events {
    edits: Vec<Seq>,
    deleted: Option<(Seq, UserId)>,
    reactions: BTreeSet<(Emoji, UserId)>,
}

pub(crate) fn check(state: &StoredState, completed: &[Completed]) {
    let expired_seq = state.expired_seq();
    let (mut all, erased) = (replay(&state.log), erased(state));
    all.retain(|target, _| *target > expired_seq);
    for item in &state.log {
        let mut events = all.remove(&item.seq).unwrap_or_default();
        // The erasure of its sender deletes what the sender had not deleted.
        if events.deleted.is_none()
            && let Some(seq) = erased.get(&item.sender_id)
            && matches!(item.kind, MessageKind::Deleted { .. })
        {
            events.deleted = Some((*seq, item.sender_id));
        }
        check_message(item, &events);
    }
    assert!(all.is_empty(), "events without a message: {all:?}");
    let at = |seq: Seq| {
        let index = seq.0.checked_sub(expired_seq.next().0)?;
        Some(&state.log[usize::try_from(index).expect("the seq fits usize")])
    };
    let mut reactions: BTreeMap<(Seq, &str, UserId), (bool, Outcome)> = BTreeMap::new();
    for completed in completed {
        let Some(item) = at(completed.operation.seq()) else { continue };
        match &completed.operation {
            Operation::Edited { text, .. } => check_edit(item, text, completed.outcome),
            Operation::Deleted { seq } => {
                let deleted = matches!(item.kind, MessageKind::Deleted { .. });
                assert!(deleted || completed.outcome != Outcome::Applied, "{seq} was deleted");
            }
            Operation::Reacted { seq, emoji, on } if completed.outcome != Outcome::Refused => {
                reactions.insert((*seq, emoji, completed.actor), (*on, completed.outcome));
            }
            Operation::Sent { .. } | Operation::Reacted { .. } => {}
        }
    }
    for ((seq, emoji, user), (on, outcome)) in reactions {
        let item = at(seq).expect("what has expired is left out");
        let has = item.reactions.has(&Emoji::parse(emoji).expect("an emoji"), user);
        let deleted = matches!(item.kind, MessageKind::Deleted { .. });
        assert!(deleted || outcome != Outcome::Applied || has == on, "{emoji} of {user} at {seq} is {has}");
    }
}

fn replay(log: &[LogItem]) -> BTreeMap<Seq, Events> {
    let mut all: BTreeMap<Seq, Events> = BTreeMap::new();
    for item in log {
        let Some(target) = item.kind.target() else { continue };
        assert!(target < item.seq, "the target of {} does not precede it", item.seq);
        let events = all.entry(target).or_default();
        assert_eq!(events.deleted, None, "the target of {} was deleted before", item.seq);
        match &item.kind {
            MessageKind::MessageEdited { .. } => events.edits.push(item.seq),
            MessageKind::MessageDeleted { .. } => events.deleted = Some((item.seq, item.sender_id)),
            MessageKind::Reaction { emoji, on, .. } => {
                let reaction = (emoji.clone(), item.sender_id);
                let changes = if *on { events.reactions.insert(reaction) } else { events.reactions.remove(&reaction) };
                assert!(changes, "{} changes nothing", item.seq);
            }
            _ => unreachable!("only events have a target"),
        }
    }
    all
}

fn check_message(item: &LogItem, events: &Events) {
    if let MessageKind::Deleted { deleted_by, deleted_seq, .. } = &item.kind {
        assert_eq!(events.deleted, deleted_seq.zip(*deleted_by), "the deletion of {}", item.seq);
        assert!(item.edits.is_empty() && item.reactions.is_empty(), "{} has content after its deletion", item.seq);
        return;
    }
    assert_eq!(events.deleted, None, "{} is not deleted", item.seq);
    assert!(item.edits.iter().map(|edit| edit.seq).eq(events.edits.iter().copied()), "the edits of {}", item.seq);
    assert!(events.reactions.iter().all(|(emoji, user)| item.reactions.has(emoji, *user)), "reactions at {}", item.seq);
    let shown = item.reactions.seen_by(item.sender_id, &Periods::all());
    let counted: usize = shown.iter().map(|count| count.count as usize).sum();
    assert_eq!(counted, events.reactions.len(), "the reactions to {}", item.seq);
}

fn check_edit(item: &LogItem, text: &str, outcome: Outcome) {
    if let MessageKind::Deleted { .. } = item.kind {
        return;
    }
    let times = item.edits.iter().filter(|edit| edit.text == text).count();
    match outcome {
        Outcome::Applied => assert_eq!(times, 1, "{text} at {}", item.seq),
        Outcome::Refused => assert_eq!(times, 0, "{text} at {}", item.seq),
        Outcome::Unknown => assert!(times <= 1, "{text} at {}", item.seq),
    }
}
