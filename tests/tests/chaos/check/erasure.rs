//! Erased users: nothing that they wrote is left, and nothing follows the item that says so.

use std::collections::BTreeMap;

use domain::{MessageKind, Periods, Seq, UserId};
use end_to_end::StoredState;

use crate::context::Context;

/// The users that a log calls erased, each with the newest item that says so. Earlier ones stand in the place of what they wrote.
pub(super) fn erased(state: &StoredState) -> BTreeMap<UserId, Seq> {
    let said = state.log.iter().filter_map(|item| match item.kind {
        MessageKind::UserErased { user_id } => Some((user_id, item.seq)),
        _ => None,
    });
    said.collect()
}

/// The erased users of whose erasure this user has not heard: what the user had received before stays.
pub(super) fn unheard(state: &StoredState, periods: &Periods) -> Vec<UserId> {
    erased(state).into_iter().filter(|(_, seq)| !periods.covers(*seq)).map(|(user, _)| user).collect()
}

pub(crate) fn check(state: &StoredState, context: &Context) {
    let erased_seqs = erased(state);
    for (user, seq) in &erased_seqs {
        assert!(context.erased.iter().any(|erased| erased.id() == *user), "{user} is called erased at {seq}");
    }
    let Some(conversation) = state.log.first().map(|item| item.conversation_id) else { return };
    for erased in &context.erased {
        let (user, erased_seq) = (erased.id(), erased_seqs.get(&erased.id()));
        let visited = erased.conversations.contains(&conversation);
        assert!(erased_seq.is_none() || visited, "{user} was never in {conversation}");
        // The item may have expired, with everything before it.
        assert!(
            erased_seq.is_some() || !visited || state.expired_seq() > Seq::ZERO,
            "no item says that {user} is erased"
        );
        for item in &state.log {
            let reacts = item.reactions.clone().forget(user) > 0;
            assert!(!reacts, "a reaction of {user}, who is erased, to {item:?}");
            if item.sender_id != user {
                continue;
            }
            let wrote = matches!(
                item.kind,
                MessageKind::Text(_) | MessageKind::Reaction { .. } | MessageKind::TitleChanged { .. }
            );
            let is_marked = item.digest.is_some() || item.client_message_id.is_some() || !item.edits.is_empty();
            assert!(!wrote && !is_marked, "{user} is erased: {item:?}");
            assert!(erased_seq.is_some_and(|seq| item.seq <= *seq), "after the erasure of {user}: {item:?}");
        }
    }
}
