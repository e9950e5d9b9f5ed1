//! Edits, deletions and reactions: the stored message agrees with its events, and so do the answers.

use std::collections::{BTreeMap, BTreeSet};

use domain::reaction::Emoji;
use domain::{MessageKind, Periods, Seq, UserId};
use end_to_end::Picture;
use store::dynamodb::LogItem;

use crate::deeds::{Deed, Done, Outcome};

/// The events of a log about one message.
#[derive(Debug, Default)]
struct Told {
    edits: Vec<Seq>,
    deleted: Option<(Seq, UserId)>,
    reactions: BTreeSet<(Emoji, UserId)>,
}

pub(crate) fn hold(picture: &Picture, done: &[&Done]) {
    let mut told = replay(&picture.log);
    for item in &picture.log {
        is_as_told(item, &told.remove(&item.seq).unwrap_or_default());
    }
    assert!(told.is_empty(), "events about nothing: {told:?}");
    let at = |seq: Seq| &picture.log[usize::try_from(seq.0).expect("a place") - 1];
    let mut reactions: BTreeMap<(Seq, &str, UserId), (bool, Outcome)> = BTreeMap::new();
    for done in done {
        match &done.deed {
            Deed::Edited { seq, text } => edit(at(*seq), text, done.outcome),
            Deed::Deleted { seq } => {
                let deleted = matches!(at(*seq).kind, MessageKind::Deleted { .. });
                assert!(deleted || done.outcome != Outcome::Done, "{seq} was deleted");
            }
            Deed::Reacted { seq, emoji, on } if done.outcome != Outcome::Refused => {
                reactions.insert((*seq, emoji, done.actor), (*on, done.outcome));
            }
            Deed::Said { .. } | Deed::Reacted { .. } => {}
        }
    }
    for ((seq, emoji, user), (on, outcome)) in reactions {
        let has = at(seq).reactions.has(&Emoji::parse(emoji).expect("an emoji"), user);
        let deleted = matches!(at(seq).kind, MessageKind::Deleted { .. });
        assert!(deleted || outcome != Outcome::Done || has == on, "{emoji} of {user} at {seq} is {has}");
    }
}

fn replay(log: &[LogItem]) -> BTreeMap<Seq, Told> {
    let mut all: BTreeMap<Seq, Told> = BTreeMap::new();
    for item in log {
        let Some(target) = item.kind.target() else { continue };
        assert!(target < item.seq, "{} is about what was not there", item.seq);
        let told = all.entry(target).or_default();
        assert_eq!(told.deleted, None, "{} is about what was deleted", item.seq);
        match &item.kind {
            MessageKind::MessageEdited { .. } => told.edits.push(item.seq),
            MessageKind::MessageDeleted { .. } => told.deleted = Some((item.seq, item.sender_id)),
            MessageKind::Reaction { emoji, on, .. } => {
                let reaction = (emoji.clone(), item.sender_id);
                let changes = if *on { told.reactions.insert(reaction) } else { told.reactions.remove(&reaction) };
                assert!(changes, "{} changes nothing", item.seq);
            }
            _ => unreachable!("only events have a target"),
        }
    }
    all
}

fn is_as_told(item: &LogItem, told: &Told) {
    if let MessageKind::Deleted { deleted_by, deleted_seq, .. } = &item.kind {
        assert_eq!(told.deleted, deleted_seq.zip(*deleted_by), "the deletion of {}", item.seq);
        assert!(item.edits.is_empty() && item.reactions.is_empty(), "something is left of {}", item.seq);
        return;
    }
    assert_eq!(told.deleted, None, "{} is there", item.seq);
    assert!(item.edits.iter().map(|edit| edit.seq).eq(told.edits.iter().copied()), "the edits of {}", item.seq);
    assert!(told.reactions.iter().all(|(emoji, user)| item.reactions.has(emoji, *user)), "at {}", item.seq);
    let shown = item.reactions.seen_by(item.sender_id, &Periods::all());
    let counted: usize = shown.iter().map(|count| count.count as usize).sum();
    assert_eq!(counted, told.reactions.len(), "the reactions to {}", item.seq);
}

fn edit(item: &LogItem, text: &str, outcome: Outcome) {
    if let MessageKind::Deleted { .. } = item.kind {
        return;
    }
    let times = item.edits.iter().filter(|edit| edit.text == text).count();
    match outcome {
        Outcome::Done => assert_eq!(times, 1, "{text} at {}", item.seq),
        Outcome::Refused => assert_eq!(times, 0, "{text} at {}", item.seq),
        Outcome::Unknown => assert!(times <= 1, "{text} at {}", item.seq),
    }
}
