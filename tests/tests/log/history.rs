//! A user sees exactly what was sent while they were a member.

use std::time::Duration;

use chat::inbox::Inbox;
use chat::log::{Page, PageRequest, ReadError};
use domain::amendment::Amendment;
use domain::reaction::Emoji;
use domain::{Seq, UserId};
use end_to_end::aws::log;
use store::dynamodb::Watermarks;
use uuid::Uuid;

use crate::conversation::TestConversation;
use crate::proxy::{Gate, holding_first_query};
use PageRequest::{After, Before};

impl TestConversation {
    /// Seqs of a page, and whether there are more.
    async fn page(&self, user: UserId, request: PageRequest, limit: usize) -> Option<(Vec<u64>, bool)> {
        match self.log.history(self.id, user, request, limit).await {
            Ok(page) => Some(seqs(&page)),
            Err(ReadError::NeverAMember) => None,
            Err(error) => panic!("{error}"),
        }
    }

    async fn send_texts(&self, texts: usize) {
        for _ in 0..texts {
            self.send_text(self.alice, "x").await;
        }
    }
}

fn seqs(page: &Page) -> (Vec<u64>, bool) {
    (page.messages.iter().map(|message| message.seq.0).collect(), page.next.is_some())
}

#[tokio::test]
async fn former_member_sees_their_membership_period() {
    let conversation = TestConversation::group().await;
    conversation.send_texts(3).await;
    assert_eq!(conversation.leave(conversation.bob).await, 5);
    conversation.send_texts(3).await;

    assert_eq!(conversation.page(conversation.bob, After(Seq(0)), 3).await, Some((vec![1, 2, 3], true)));
    assert_eq!(
        conversation.page(conversation.bob, After(Seq(3)), 2).await,
        Some((vec![4, 5], false)),
        "the removal is the last visible item"
    );
    assert_eq!(conversation.page(conversation.bob, After(Seq(5)), 9).await, Some((vec![], false)));
    assert_eq!(conversation.page(conversation.bob, Before(Seq::MAX), 2).await, Some((vec![4, 5], true)));
    assert_eq!(conversation.page(conversation.bob, Before(Seq(8)), 2).await, Some((vec![4, 5], true)));
    assert_eq!(conversation.page(conversation.bob, Before(Seq(4)), 3).await, Some((vec![1, 2, 3], false)));

    assert_eq!(conversation.page(conversation.alice, Before(Seq::MAX), 4).await, Some((vec![5, 6, 7, 8], true)));
    assert_eq!(conversation.page(UserId(Uuid::new_v4()), After(Seq(0)), 9).await, None);
}

#[tokio::test]
async fn rejoined_member_sees_both_membership_periods() {
    let conversation = TestConversation::group().await;
    conversation.send_texts(3).await;
    assert_eq!(conversation.leave(conversation.bob).await, 5);
    conversation.send_texts(3).await;
    assert_eq!(conversation.join(conversation.bob).await, 9);
    conversation.send_texts(3).await;

    assert_eq!(
        conversation.page(conversation.bob, After(Seq(0)), 20).await,
        Some((vec![1, 2, 3, 4, 5, 9, 10, 11, 12], false))
    );
    assert_eq!(conversation.page(conversation.bob, After(Seq(3)), 3).await, Some((vec![4, 5, 9], true)));
    assert_eq!(conversation.page(conversation.bob, After(Seq(6)), 4).await, Some((vec![9, 10, 11, 12], false)));
    assert_eq!(conversation.page(conversation.bob, Before(Seq::MAX), 5).await, Some((vec![5, 9, 10, 11, 12], true)));
    assert_eq!(conversation.page(conversation.bob, Before(Seq(10)), 3).await, Some((vec![4, 5, 9], true)));
    assert_eq!(conversation.page(conversation.bob, Before(Seq(9)), 5).await, Some((vec![1, 2, 3, 4, 5], false)));
}

#[tokio::test]
async fn new_member_sees_no_earlier_items() {
    let conversation = TestConversation::group().await;
    conversation.send_texts(2).await;
    let carol = UserId(Uuid::new_v4());
    assert_eq!(conversation.join(carol).await, 4);
    conversation.send_texts(1).await;
    for request in [After(Seq(0)), Before(Seq::MAX)] {
        assert_eq!(conversation.page(carol, request, 9).await, Some((vec![4, 5], false)), "{request:?}");
    }
}

#[tokio::test]
async fn around_returns_only_visible_items() {
    let conversation = TestConversation::group().await;
    conversation.send_texts(3).await;
    assert_eq!(conversation.leave(conversation.bob).await, 5);
    conversation.send_texts(3).await;
    assert_eq!(conversation.join(conversation.bob).await, 9);
    conversation.send_texts(3).await;
    for (seq, limit, expected) in [
        (4, 3, (vec![3, 4, 5], true, true)),
        (4, 20, (vec![1, 2, 3, 4, 5, 9, 10, 11, 12], false, false)),
        (5, 4, (vec![3, 4, 5, 9], true, true)),
        (1, 2, (vec![1], false, true)),
        (12, 3, (vec![11, 12], true, false)),
        (9, 1, (vec![9], true, true)),
        // Not for them, and not there.
        (7, 2, (vec![5, 9], true, true)),
        (0, 2, (vec![1], false, true)),
        (Seq::MAX.0, 4, (vec![11, 12], true, false)),
    ] {
        let around = conversation.log.around(conversation.id, conversation.bob, Seq(seq), limit).await.unwrap();
        let seqs: Vec<u64> = around.messages.iter().map(|message| message.seq.0).collect();
        assert_eq!((seqs, around.more_before, around.more_after), expected, "{seq} {limit}");
    }
    let non_member = conversation.log.around(conversation.id, UserId(Uuid::new_v4()), Seq(4), 3).await;
    assert!(matches!(non_member, Err(ReadError::NeverAMember)), "{non_member:?}");
}

/// The membership periods are read, then the member is removed and a message is sent, then the items are read.
#[tokio::test]
async fn removal_while_a_page_is_read_hides_later_items() {
    let conversation = TestConversation::group().await;
    conversation.send_texts(1).await;
    let gate = Gate::default();
    let log = log(&holding_first_query(gate.clone()).await);
    let page = log.history(conversation.id, conversation.bob, After(Seq(0)), 9);
    let removal = async {
        gate.reached.notified().await;
        assert_eq!(conversation.leave(conversation.bob).await, 3);
        conversation.send_texts(2).await;
        gate.open.notify_one();
    };
    let (page, ()) = tokio::join!(page, removal);
    assert_eq!(seqs(&page.unwrap()), (vec![1, 2, 3], false));
}

/// The same for the preview of a list: the membership periods are read, and the head only after the removal.
#[tokio::test]
async fn removal_while_the_newest_item_is_read_hides_later_items() {
    let conversation = TestConversation::group().await;
    let gate = Gate::default();
    let log = log(&holding_first_query(gate.clone()).await);
    let newest = log.newest(conversation.id, conversation.bob);
    let removal = async {
        gate.reached.notified().await;
        assert_eq!(conversation.leave(conversation.bob).await, 2);
        conversation.send_texts(2).await;
        gate.open.notify_one();
    };
    let (newest, ()) = tokio::join!(newest, removal);
    let (view, newest) = newest.unwrap();
    assert_eq!((newest.map(|item| item.seq), view.active), (Some(Seq(2)), None));
}

/// One request reads a bounded number of items, whatever other users have written.
#[tokio::test]
async fn very_long_runs_of_events_are_read_in_several_pages() {
    let conversation = TestConversation::private().await;
    conversation.send_texts(1).await;
    let react = Amendment::React { emoji: Emoji::parse("👍").unwrap(), on: true };
    conversation.log.amend(conversation.id, conversation.bob, Seq(2), &react, Duration::ZERO).await.unwrap();
    conversation.put_copies_of_head(2_500).await;
    let last = conversation.send_text(conversation.alice, "at last").await;
    assert_eq!(last, 2_504);

    for (mut request, found) in [(After(Seq(2)), last), (Before(Seq(last)), 2)] {
        let (mut pages, mut next) = (0, None);
        let page = loop {
            let page = conversation.log.history(conversation.id, conversation.bob, request, 1).await.unwrap();
            pages += 1;
            assert!(pages < 5, "{next:?}");
            if !page.messages.is_empty() {
                break page;
            }
            assert!(page.next.is_some() && page.next != next, "there is a further page");
            next = page.next;
            request = if found == last { After(page.next.unwrap()) } else { Before(page.next.unwrap()) };
        };
        assert_eq!((seqs(&page).0, pages), (vec![found], 3), "each page skips a thousand events");
    }
    let around = conversation.log.around(conversation.id, conversation.bob, Seq(1_200), 2).await.unwrap();
    assert_eq!((around.messages.len(), around.more_before, around.more_after), (0, true, true));

    let tables = ["local-DeliveryStatusTable", "local-ReadStatusTable"].map(str::to_owned);
    let [delivered, read] = tables;
    let inbox = Inbox {
        log: conversation.log.clone(),
        watermarks: Watermarks::new(conversation.dynamodb.clone(), delivered, read),
    };
    let listed = inbox.conversation(conversation.id, conversation.bob).await.unwrap();
    assert_eq!((listed.unread, listed.head_seq), (1, Seq(last)), "the unread count is a lower bound");
}
