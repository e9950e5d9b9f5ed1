//! The status of messages by recipient.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ConversationType, MessageKind, Periods, UserId};
use end_to_end::StoredState;
use store::dynamodb::LogItem;

use super::periods;
use crate::context::{Context, TestConversation};
use crate::erased::ErasedUser;

/// Number of texts of a conversation whose status is requested.
const MAX_REQUESTED: usize = 4;

/// The recipients of a text are the members of that moment without its sender. Every current member has read it by now; it was
/// sent before it was delivered, and delivered before it was read. Nothing says what an erased user has read.
pub(crate) async fn check(state: &StoredState, context: &Context, conversation: &TestConversation) {
    let erased: BTreeSet<UserId> = context.erased.iter().map(ErasedUser::id).collect();
    let all = context.users.iter().map(|user| user.id).chain(erased.iter().copied());
    let by_user: BTreeMap<UserId, Periods> = all.filter_map(|user| Some((user, periods(state, user)?))).collect();
    let covers = |user: UserId, item: &LogItem| by_user.get(&user).is_some_and(|periods| periods.covers(item.seq));
    // A user who has just left a public conversation may have sent once more without knowing it.
    let has_status = |item: &&LogItem| matches!(item.kind, MessageKind::Text(_)) && covers(item.sender_id, item);
    let texts: Vec<&LogItem> = state.log.iter().filter(has_status).collect();
    for item in texts.iter().step_by(texts.len().div_ceil(MAX_REQUESTED).max(1)) {
        let users = conversation.members.iter().map(|member| context.users[*member].id).chain(erased.iter().copied());
        let expected: BTreeSet<UserId> =
            users.filter(|user| *user != item.sender_id).filter(|user| covers(*user, item)).collect();
        let sender =
            context.users.iter().find(|user| user.id == item.sender_id).expect("the sender is one of the users");
        let (mut found, mut cursor) = (BTreeSet::new(), None);
        loop {
            let response = sender.api.status(conversation.id, item.seq, cursor.as_deref()).await;
            let page = response.unwrap_or_else(|error| panic!("the status of {}: {error}", item.seq));
            for status in page.recipients {
                let times = [Some(item.sent_at), status.delivered_at, status.read_at];
                assert!(times.into_iter().flatten().is_sorted(), "{status:?} of a text sent at {}", item.sent_at);
                let is_marked = status.delivered_at.is_some() || status.read_at.is_some();
                assert!(!is_marked || !erased.contains(&status.user_id), "{status:?} of an erased user");
                let reads = state.active.contains_key(&status.user_id);
                assert!(
                    !reads || status.read_at.is_some(),
                    "{status:?} of {} in a {:?} conversation",
                    item.seq,
                    conversation.kind
                );
                let delivered = status.delivered_at.is_some();
                assert!(!reads || delivered || conversation.kind == ConversationType::Public, "{status:?}");
                found.insert(status.user_id);
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "the recipients of {}", item.seq);
    }
}
