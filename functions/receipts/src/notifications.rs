//! Notifications of receipts, by user.

use std::collections::{BTreeMap, HashMap};

use chat::receipts::Recorded;
use domain::page::{Page, Room};
use domain::protocol::{Push, Unread};
use domain::settings::ConversationSettings;
use domain::{ConversationId, Receipt, UserId};
use serde::Serialize;
use store::connections_api::encode;

/// The notifications of one user.
#[derive(Debug, Default)]
pub(crate) struct UserNotifications {
    receipts: Vec<Receipt>,
    /// The unread messages after the user's own reads, by conversation: the last count holds.
    unread: BTreeMap<ConversationId, Unread>,
    /// Settings that the user's own reads have changed, by conversation.
    settings: BTreeMap<ConversationId, ConversationSettings>,
}

/// Groups the notifications by user. The receipts of one conversation and user are in order.
pub(crate) fn by_user(recorded: &[Recorded]) -> BTreeMap<UserId, UserNotifications> {
    let mut by_user: BTreeMap<UserId, UserNotifications> = BTreeMap::new();
    for Recorded { receipt, audience, unread, unmarked } in recorded {
        for user in audience {
            by_user.entry(*user).or_default().receipts.push(*receipt);
        }
        if let Some(unread) = unread {
            by_user.entry(receipt.user_id).or_default().unread.insert(unread.conversation_id, *unread);
        }
        if let Some(settings) = unmarked {
            by_user.entry(receipt.user_id).or_default().settings.insert(receipt.conversation_id, *settings);
        }
    }
    by_user
}

/// Returns the frames for each user: one of receipts and one of unread counts, or more if they do not fit, and one for each
/// conversation whose settings have changed.
pub(crate) fn frames(by_user: &BTreeMap<UserId, UserNotifications>) -> HashMap<UserId, Vec<String>> {
    let frames = |user: UserId, notifications: &UserNotifications| -> Vec<String> {
        let receipts = pages(user, notifications.receipts.iter().copied()).map(|receipts| Push::Receipts { receipts });
        let unread = pages(user, notifications.unread.values().copied()).map(|unread| Push::Unread { unread });
        let settings = notifications
            .settings
            .iter()
            .map(|(id, settings)| Push::ConversationSettings { conversation_id: *id, settings: *settings });
        receipts.chain(unread).chain(settings).filter_map(|push| json(user, &push)).collect()
    };
    by_user.iter().map(|(user, notifications)| (*user, frames(*user, notifications))).collect()
}

fn pages<T: Serialize>(user_id: UserId, list: impl Iterator<Item = T>) -> impl Iterator<Item = Vec<T>> {
    let pages = Page::split(list, Room::of_frame());
    let failed = |error: &_| tracing::error!(%user_id, %error, "notifications could not be encoded");
    pages.inspect_err(failed).unwrap_or_default().into_iter()
}

fn json(user_id: UserId, push: &Push) -> Option<String> {
    let encoded = encode(push);
    encoded.inspect_err(|error| tracing::error!(%user_id, %error, "a notification could not be encoded")).ok()
}

#[cfg(test)]
mod tests {
    use domain::{ReceiptKind, Seq, Timestamp};

    use super::*;

    fn user(n: u32) -> UserId {
        format!("00000000-0000-0000-0000-{n:012}").parse().unwrap()
    }

    /// A read receipt of one user, and another user to notify.
    fn read(reader: u32, recipient: u32, seq: u64, unread: u32) -> Recorded {
        let conversation_id: ConversationId = "00000000-0000-0000-0000-000000000001".parse().unwrap();
        let (kind, seq, at) = (ReceiptKind::Read, Seq(seq), Timestamp::from_epoch_millis(0));
        Recorded {
            receipt: Receipt { kind, conversation_id, user_id: user(reader), seq, at },
            audience: vec![user(recipient)],
            unread: Some(Unread { conversation_id, read_seq: seq, unread }),
            unmarked: None,
        }
    }

    #[test]
    fn each_user_gets_one_frame_per_kind_with_the_latest_unread_count() {
        let frames = frames(&by_user(&[read(2, 3, 5, 4), read(2, 3, 7, 2), read(3, 2, 9, 0)]));
        let parse = |frame: &String| serde_json::from_str::<Push>(frame).unwrap();
        let of_two: Vec<Push> = frames[&user(2)].iter().map(parse).collect();
        let Push::Receipts { receipts } = &of_two[0] else { panic!("{of_two:?}") };
        assert_eq!(receipts.iter().map(|receipt| receipt.user_id).collect::<Vec<_>>(), [user(3)]);
        let Push::Unread { unread } = &of_two[1] else { panic!("{of_two:?}") };
        assert_eq!(unread.iter().map(|unread| (unread.read_seq.0, unread.unread)).collect::<Vec<_>>(), [(7, 2)]);
        assert_eq!((of_two.len(), frames[&user(3)].len()), (2, 2));
    }

    #[test]
    fn receipts_beyond_one_frame_go_into_another() {
        let many: Vec<Recorded> = (0..1000).map(|seq| read(2, 3, seq, 0)).collect();
        let frames = &frames(&by_user(&many))[&user(3)];
        assert_eq!(frames.len(), 2);
        assert!(frames[0].len() < 128 * 1024, "{}", frames[0].len());
    }
}
