//! Checks the history that HTTP returns.

use domain::{Message, Periods, Seq};
use end_to_end::StoredState;

use crate::users::{SimulatedUser, until_settled};

/// History is exactly what the user may see, without events, with the newest text that is visible to them.
pub(crate) async fn check(state: &StoredState, user: &SimulatedUser, periods: &Periods) {
    let Some(conversation) = state.log.first().map(|item| item.conversation_id) else { return };
    let visible = state.log.iter().filter(|item| !item.kind.is_event() && periods.covers(item.seq));
    let expected: Vec<Message> = visible.map(|item| item.clone().shown_to(user.id, periods)).collect();
    let mut read: Vec<Message> = Vec::new();
    let mut after = Some(Seq::ZERO);
    while let Some(next) = after {
        let page = until_settled(|| user.api.history(conversation, next)).await.expect("a page of history");
        read.extend(page.messages);
        after = page.next;
    }
    assert_eq!(read.len(), expected.len(), "number of messages that {} reads", user.id);
    for (read, expected) in read.iter().zip(&expected) {
        assert_eq!(read, expected, "message that {} reads", user.id);
    }
}
