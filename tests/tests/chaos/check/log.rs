//! The log and the senders' answers.

use std::collections::BTreeMap;

use domain::{Seq, UserId};
use end_to_end::StoredState;
use uuid::Uuid;

use crate::operations::{Completed, Operation, text};

/// Every accepted message has the seq that its sender received, and no message is in the log twice. The digest identifies the
/// original text, also after edits and deletions.
pub(crate) fn check(state: &StoredState, completed: &[Completed]) {
    let mut answered: BTreeMap<Seq, (Uuid, UserId)> = BTreeMap::new();
    for completed in completed {
        if let Operation::Sent { seq, number } = completed.operation {
            let other = answered.insert(seq, (number, completed.actor));
            assert_eq!(other, None, "{seq} was assigned twice");
        }
    }
    answered.retain(|seq, _| *seq > state.expired_seq());
    let mut written = BTreeMap::new();
    for item in state.log.iter().filter(|item| item.client_message_id.is_some()) {
        let other = written.insert((item.sender_id, item.client_message_id), item.seq);
        assert_eq!(other, None, "in the log twice: {item:?}");
        let Some((number, sender)) = answered.remove(&item.seq) else { panic!("refused but in the log: {item:?}") };
        let text = text(sender, number);
        let content = domain::Content::new(text.clone(), None, Vec::new()).expect("a text");
        assert_eq!((item.sender_id, item.digest.as_deref()), (sender, Some(content.digest(&[]).as_str())), "{text}");
    }
    assert!(answered.is_empty(), "accepted but not in the log: {answered:?}");
    // Messages that a user sends one after the other are in that order.
    let mut last: BTreeMap<UserId, Seq> = BTreeMap::new();
    for completed in completed {
        if let Operation::Sent { seq, .. } = completed.operation {
            let before = last.insert(completed.actor, seq);
            assert!(before.is_none_or(|before| before < seq), "{seq} was assigned after {before:?}");
        }
    }
}
