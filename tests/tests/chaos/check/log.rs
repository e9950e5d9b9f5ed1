//! The log and the senders' answers.

use std::collections::BTreeMap;

use domain::{Seq, UserId};
use end_to_end::Picture;

use crate::deeds::{Deed, Done};

/// Every accepted message has the seq that its sender received, and no message is there twice. The digest identifies the first
/// text, whatever happened to it.
pub(crate) fn holds(picture: &Picture, done: &[&Done]) {
    let mut told: BTreeMap<Seq, (&str, UserId)> = BTreeMap::new();
    for done in done {
        if let Deed::Said { seq, text } = &done.deed {
            let other = told.insert(*seq, (text, done.actor));
            assert_eq!(other, None, "{seq} was given twice");
        }
    }
    for item in picture.log.iter().filter(|item| item.client_message_id.is_some()) {
        let Some((text, sender)) = told.remove(&item.seq) else { panic!("refused, and in the log: {item:?}") };
        let content = domain::Content::new(text.to_owned(), None, Vec::new()).expect("a text");
        assert_eq!((item.sender_id, item.digest.as_deref()), (sender, Some(content.digest(&[]).as_str())), "{text}");
    }
    assert!(told.is_empty(), "accepted, and not in the log: {told:?}");
    // Messages that a user sends one after the other are in that order.
    let mut last: BTreeMap<UserId, Seq> = BTreeMap::new();
    for done in done {
        if let Deed::Said { seq, .. } = done.deed {
            let before = last.insert(done.actor, seq);
            assert!(before.is_none_or(|before| before < seq), "{seq} came after {before:?}");
        }
    }
}
