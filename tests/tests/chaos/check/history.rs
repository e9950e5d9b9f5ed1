//! Checks the history that HTTP returns.

use domain::{Message, Periods, Seq};
use end_to_end::Picture;

use crate::people::Chatter;

/// History is exactly what the user may see, without events, with the newest text that is visible to them.
pub(crate) async fn holds(picture: &Picture, person: &Chatter, periods: &Periods) {
    let Some(conversation) = picture.log.first().map(|item| item.conversation_id) else { return };
    let visible = picture.log.iter().filter(|item| item.kind.target().is_none() && periods.covers(item.seq));
    let expected: Vec<Message> = visible.map(|item| item.clone().shown_to(person.user, periods)).collect();
    let mut read: Vec<Message> = Vec::new();
    let mut after = Some(Seq::ZERO);
    while let Some(next) = after {
        let page = person.api.history(conversation, next).await.expect("a page of history");
        read.extend(page.messages);
        after = page.next;
    }
    assert_eq!(read.len(), expected.len(), "how much {} reads", person.user);
    for (read, expected) in read.iter().zip(&expected) {
        assert_eq!(read, expected, "what {} reads", person.user);
    }
}
