//! Members come and go between the reads and the put of a message.

use chat::log::SendError;
use domain::{Seq, UserId};
use end_to_end::aws::{MEMBERS, MESSAGES, log};
use uuid::Uuid;

use crate::conversation::TestConversation;
use crate::proxy::{Gate, holding_query_of};

#[tokio::test]
async fn message_of_a_member_removed_during_the_send_is_refused() {
    let conversation = TestConversation::group().await;
    let draft = conversation.draft(conversation.bob, 1, "one more thing");
    let opened = conversation.log.open(&draft).await.unwrap();
    assert_eq!(conversation.leave(conversation.bob).await, 2);
    let refused = opened.append().await;
    assert!(matches!(refused, Err(SendError::NotAMember)), "{refused:?}");
    assert_eq!(conversation.items().await.len(), 2);
}

/// The seq that the removed member loses is not that of the removal's item: only the head reveals the removal.
#[tokio::test]
async fn every_item_after_a_removal_has_its_members_seq() {
    let conversation = TestConversation::group().await;
    let draft = conversation.draft(conversation.bob, 1, "one more thing");
    conversation.send_text(conversation.alice, "before").await;
    let process = conversation.process();
    let opened = process.open(&draft).await.unwrap();
    let removal = conversation.leave(conversation.bob).await;
    for text in ["after", "and after that"] {
        conversation.send_text(conversation.alice, text).await;
    }
    assert_eq!(conversation.head().await.members_seq, Seq(removal));
    let refused = opened.append().await;
    assert!(matches!(refused, Err(SendError::NotAMember)), "{refused:?}");
    assert_eq!(conversation.items().await.len(), 5);
}

#[tokio::test]
async fn resend_after_a_removal_returns_the_seq() {
    let conversation = TestConversation::group().await;
    let draft = conversation.draft(conversation.bob, 1, "in time");
    let first = conversation.log.open(&draft).await.unwrap().append().await.unwrap();
    // One resend has read before the removal, one reads after it.
    let late = conversation.draft(conversation.bob, 1, "too late");
    let processes = [(); 2].map(|()| conversation.process());
    let before = processes[0].open(&draft).await.unwrap();
    conversation.leave(conversation.bob).await;
    let after = processes[1].open(&draft).await.unwrap();
    for opened in [before, after] {
        let again = opened.append().await.unwrap();
        assert_eq!((&again.item, again.duplicate), (&first.item, true));
    }
    for after_seq in [None, Some(1), Some(2), Some(3), Some(4)] {
        let late = chat::log::Draft { after_seq: after_seq.map(Seq), ..late.clone() };
        // One process has read before the removal, one reads after it.
        for process in [&processes[0], &conversation.process()] {
            let refused = async { process.open(&late).await?.append().await }.await;
            assert!(matches!(refused, Err(SendError::NotAMember)), "{after_seq:?}: {refused:?}");
        }
    }
}

/// A message of a former member that is refused is not in the log, however old the log that their resend has read.
#[tokio::test]
async fn accepted_message_of_a_removed_member_is_not_refused_on_resend() {
    // More than one read of the log brings.
    for meanwhile in [0, 250] {
        let conversation = TestConversation::group().await;
        let draft = conversation.draft(conversation.bob, 1, "in time");
        let gate = Gate::default();
        // It has read the log, and is about to read the roster.
        let slow = log(&holding_query_of(MEMBERS, 0, 1, gate.clone()).await);
        let (again, first) = tokio::join!(slow.open(&draft), async {
            gate.reached.notified().await;
            conversation.put_copies_of_head(meanwhile).await;
            let first = conversation.log.open(&draft).await.unwrap().append().await.unwrap();
            conversation.leave(conversation.bob).await;
            gate.open.notify_one();
            first
        });
        let again = again.unwrap().append().await.unwrap();
        assert_eq!((&again.item, again.duplicate), (&first.item, true), "{meanwhile}");
    }
}

/// Another user was added, so both the sender's membership and the roster are read again; the removal happens in between.
#[tokio::test]
async fn message_of_a_member_removed_between_two_reads_is_refused() {
    let conversation = TestConversation::group().await;
    let gate = Gate::default();
    // Answered by then: when opening, a query of each table; the put; a query of the log; the sender's membership.
    let slow = log(&holding_query_of(MEMBERS, 1, 5, gate.clone()).await);
    let draft = conversation.draft(conversation.bob, 1, "one more thing");
    let opened = slow.open(&draft).await.unwrap();
    conversation.join(UserId(Uuid::new_v4())).await;
    let (refused, ()) = tokio::join!(opened.append(), async {
        gate.reached.notified().await;
        conversation.leave(conversation.bob).await;
        gate.open.notify_one();
    });
    assert!(matches!(refused, Err(SendError::NotAMember)), "{refused:?}");
    assert_eq!(conversation.items().await.len(), 3);
}

#[tokio::test]
async fn member_who_joins_during_a_send_is_notified() {
    let conversation = TestConversation::group().await;
    let carol = UserId(Uuid::new_v4());
    let draft = conversation.draft(conversation.alice, 1, "welcome");
    let opened = conversation.log.open(&draft).await.unwrap();
    assert!(!opened.roster().has(carol));
    let joined = conversation.join(carol).await;
    let appended = opened.append().await.unwrap();
    assert_eq!((appended.item.seq.0, appended.item.members_seq.0), (joined + 1, joined));
    assert!(appended.roster.has(carol), "{:?}", appended.roster);
}

/// A resend that has read the roster before all that, and finds its message in the log after it.
#[tokio::test]
async fn resend_notifies_only_members_at_the_time_of_sending() {
    let conversation = TestConversation::group().await;
    let draft = conversation.draft(conversation.alice, 1, "after the removal");
    let gate = Gate::default();
    let slow = log(&holding_query_of(MESSAGES, 0, 1, gate.clone()).await);
    let (again, first) = tokio::join!(slow.open(&draft), async {
        gate.reached.notified().await;
        conversation.leave(conversation.bob).await;
        let first = conversation.log.open(&draft).await.unwrap().append().await.unwrap();
        conversation.join(conversation.bob).await;
        gate.open.notify_one();
        first
    });
    let again = again.unwrap().append().await.unwrap();
    assert_eq!((&again.item, again.duplicate), (&first.item, true));
    let recipients = again.roster.members.iter().filter(|member| member.joined_seq <= again.item.seq);
    assert_eq!(recipients.map(|member| member.user_id).collect::<Vec<_>>(), [conversation.alice]);
}
