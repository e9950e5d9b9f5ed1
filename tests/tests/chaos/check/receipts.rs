//! The status of messages by recipient.

use std::collections::BTreeSet;

use domain::{ConversationType, MessageKind, UserId};
use end_to_end::Picture;
use store::dynamodb::LogItem;

use super::periods;
use crate::scene::{Context, Room};

/// Of how many texts of a room the status is asked.
const ASKED: usize = 4;

/// The recipients of a text are the members of that moment without its sender. Every current member has read it by now; it was
/// sent before it was delivered, and delivered before it was read.
pub(crate) async fn hold(picture: &Picture, scene: &Context, room: &Room) {
    let covers = |user: UserId, item: &LogItem| periods(picture, user).is_some_and(|periods| periods.covers(item.seq));
    // A user who has just left a public conversation may have sent once more without knowing it.
    let asked = |item: &&LogItem| matches!(item.kind, MessageKind::Text(_)) && covers(item.sender_id, item);
    let texts: Vec<&LogItem> = picture.log.iter().filter(asked).collect();
    for item in texts.iter().step_by(texts.len().div_ceil(ASKED).max(1)) {
        let users = room.members.iter().map(|member| scene.people[*member].user);
        let expected: BTreeSet<UserId> =
            users.filter(|user| *user != item.sender_id).filter(|user| covers(*user, item)).collect();
        let sender = scene.people.iter().find(|person| person.user == item.sender_id).expect("one of these people");
        let (mut found, mut cursor) = (BTreeSet::new(), None);
        loop {
            let asked = sender.api.status(room.id, item.seq, cursor.as_deref()).await;
            let page = asked.unwrap_or_else(|error| panic!("the status of {}: {error}", item.seq));
            for status in page.recipients {
                let times = [Some(item.sent_at), status.delivered_at, status.read_at];
                assert!(times.into_iter().flatten().is_sorted(), "{status:?} of what was said at {}", item.sent_at);
                let reads = picture.active.contains_key(&status.user_id);
                assert!(!reads || status.read_at.is_some(), "{status:?} of {} in a {:?} room", item.seq, room.kind);
                let delivered = status.delivered_at.is_some();
                assert!(!reads || delivered || room.kind == ConversationType::Public, "{status:?}");
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
