//! Every event has its effect, and every effect its event.

use std::collections::BTreeMap;

use domain::amendment::Amendment;
use domain::{ErrorCode, MessageKind, Seq};
use store::dynamodb::LogItem;

use super::{Finished, expect};
use crate::chaos::check::{Rule, Violation};
use crate::device::amend::Amended;

/// Answers that need no event: the message is none that the actor sees, or the actor is no member.
const REFUSALS: [ErrorCode; 2] = [ErrorCode::MessageNotFound, ErrorCode::NotAMember];

pub(super) fn check(finished: &Finished, violations: &mut Vec<Violation>) {
    let items: BTreeMap<Seq, &LogItem> = finished.items.iter().map(|item| (item.seq, item)).collect();
    for item in &finished.items {
        let Some(target) = item.kind.target() else { continue };
        let member =
            finished.record.members_at(item.seq.0).contains(&item.sender_id) || finished.record.has_just_left(item);
        expect(violations, Rule::Membership, member, || format!("{item:?}"));
        let asked = finished.amended.iter().any(|amended| is_event_of(item, amended));
        expect(violations, Rule::Effect, asked, || format!("nobody asked for {item:?}"));
        let before = items.get(&target).is_some_and(|message| message.seq < item.seq);
        expect(violations, Rule::Effect, before, || format!("{item:?} is about no earlier message"));
    }
    for message in &finished.items {
        let events: Vec<&LogItem> =
            finished.items.iter().filter(|item| item.kind.target() == Some(message.seq)).collect();
        check_message(message, &events, violations);
    }
    for amended in &finished.amended {
        expect(violations, Rule::Answer, amended.is_answered(), || format!("{:?}", amended.amendment));
        for answer in amended.answers.iter().flatten() {
            let right = match answer {
                Ok(Some(seq)) => items.get(seq).is_some_and(|item| is_event_of(item, amended)),
                Ok(None) => true,
                Err(code) => REFUSALS.contains(code),
            };
            expect(violations, Rule::Effect, right, || format!("{answer:?} to {:?}", amended.amendment));
        }
    }
    check_last_words(finished, &items, violations);
}

/// The message has what its events made of it.
fn check_message(message: &LogItem, events: &[&LogItem], violations: &mut Vec<Violation>) {
    let about = || format!("{message:?} after {events:?}");
    let newest = events.last().map(|event| event.seq);
    expect(violations, Rule::Effect, message.amended.map(|amended| amended.seq) == newest, about);
    let edits = events.iter().filter(|event| matches!(event.kind, MessageKind::MessageEdited { .. }));
    let edited = edits.map(|event| event.seq).eq(message.edits.iter().map(|edit| edit.seq));
    expect(violations, Rule::Effect, edited, about);
    let mut reactions = BTreeMap::new();
    for event in events {
        if let MessageKind::Reaction { emoji, on, .. } = &event.kind {
            let before = reactions.insert((emoji, event.sender_id), *on).unwrap_or(false);
            expect(violations, Rule::Effect, before != *on, || format!("{event:?} changes nothing"));
        }
    }
    for ((emoji, user), on) in reactions {
        expect(violations, Rule::Effect, message.reactions.has(emoji, user) == on, about);
    }
}

/// What a device wanted last is what holds: it asks for one thing after the other.
fn check_last_words(finished: &Finished, items: &BTreeMap<Seq, &LogItem>, violations: &mut Vec<Violation>) {
    let mut last = BTreeMap::new();
    for amended in &finished.amended {
        let succeeded = amended.answers.iter().flatten().any(Result::is_ok);
        if let (Amendment::React { emoji, on }, true) = (&amended.amendment, succeeded) {
            last.insert((amended.target, emoji, amended.actor), *on);
        }
    }
    for ((target, emoji, actor), on) in last {
        let holds = items.get(&target).is_some_and(|message| message.reactions.has(emoji, actor) == on);
        expect(violations, Rule::Effect, holds, || format!("{actor} wanted {on} at {target}"));
    }
}

fn is_event_of(item: &LogItem, amended: &Amended) -> bool {
    let same = match (&item.kind, &amended.amendment) {
        (MessageKind::MessageEdited { .. }, Amendment::Edit(_)) => true,
        (MessageKind::Reaction { emoji, on, .. }, Amendment::React { emoji: wanted, on: wish }) => {
            emoji == wanted && on == wish
        }
        _ => false,
    };
    same && item.sender_id == amended.actor && item.kind.target() == Some(amended.target)
}
