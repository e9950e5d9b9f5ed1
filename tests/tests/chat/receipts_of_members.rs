//! Receipts of members who join and leave, in any order of the queue.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use domain::{Receipt, ReceiptKind, Seq, Timestamp};
use end_to_end::aws::{receipts_queue_url, sqs};
use end_to_end::{Cloud, Socket, TestUser};
use serde_json::{Value, json};
use store::sqs::{Queue, ReceiptsBody};
use uuid::Uuid;

/// A group, and the path of what is in it.
async fn group(owner: &TestUser, others: &[&TestUser], kind: &str) -> String {
    let ids: Vec<&String> = others.iter().map(|user| &user.user_id).collect();
    let body = json!({"type": kind, "title": "Team", "member_ids": ids});
    let (status, created) = owner.post("/v1/conversations", &body).await;
    assert_eq!(status, 201, "{created}");
    created["conversation_id"].as_str().unwrap().to_owned()
}

pub(crate) async fn send_text(user: &TestUser, conversation: &str) -> u64 {
    let draft = json!({"client_message_id": Uuid::new_v4(), "text": "x"});
    let (status, sent) = user.post(&format!("/v1/conversations/{conversation}/messages"), &draft).await;
    assert_eq!(status, 201, "{sent}");
    sent["seq"].as_u64().unwrap()
}

/// Returns a time so many seconds after an hour from now: nothing is sent that late, and nothing is read before it was sent.
fn second(n: i64) -> Timestamp {
    static IN_AN_HOUR: LazyLock<i64> = LazyLock::new(|| Timestamp::now().epoch_seconds() + 3600);
    Timestamp::from_epoch_millis(1000 * (*IN_AN_HOUR + n))
}

/// Puts receipts on the queue as `ack` and `read` would have, each as a queue message of its own.
async fn queue(user: &TestUser, conversation: &str, kind: ReceiptKind, receipts: &[(u64, i64)]) {
    let cloud = Cloud::shared();
    let queue = Queue::new(sqs(cloud), receipts_queue_url(cloud));
    for (seq, at) in receipts {
        let (conversation_id, user_id) = (conversation.parse().unwrap(), user.user_id.parse().unwrap());
        let receipt = Receipt { kind, conversation_id, user_id, seq: Seq(*seq), at: second(*at) };
        queue.send_receipts(&ReceiptsBody { receipts: vec![receipt] }).await.unwrap();
    }
}

/// Status of a message by user, read page by page.
async fn statuses(user: &TestUser, conversation: &str, seq: u64, limit: usize) -> Vec<Value> {
    let path = format!("/v1/conversations/{conversation}/messages/{seq}/status?limit={limit}");
    pages(user, &path, "recipients").await
}

async fn watermarks(user: &TestUser, conversation: &str, limit: usize) -> Vec<Value> {
    pages(user, &format!("/v1/conversations/{conversation}/receipts?limit={limit}"), "receipts").await
}

async fn pages(user: &TestUser, path: &str, list: &str) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), path.to_owned());
    loop {
        let (status, page) = user.get(&next).await;
        assert_eq!(status, 200, "{page}");
        all.extend(page[list].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["cursor"].as_str() else { return all };
        next = format!("{path}&cursor={}", cursor.replace('#', "%23"));
    }
}

fn of<'a>(list: &'a [Value], user: &TestUser) -> Option<&'a Value> {
    let mut found = list.iter().filter(|entry| entry["user_id"] == user.user_id);
    let first = found.next();
    assert!(found.next().is_none(), "a user is listed twice: {list:?}");
    first
}

/// Polls until the result is as expected: late receipts cause no notification.
async fn poll_until<T: PartialEq + std::fmt::Debug>(expected: T, read: impl AsyncFn() -> T) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let seen = read().await;
        if seen == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{seen:?} is not {expected:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn receipt_at(socket: &mut Socket, seq: u64) -> Value {
    loop {
        let frame = socket.next("receipts").await;
        let found = frame["receipts"].as_array().unwrap().iter().find(|receipt| receipt["seq"] == seq).cloned();
        if let Some(receipt) = found {
            return receipt;
        }
    }
}

#[tokio::test]
async fn recipients_are_users_whose_membership_period_covers_the_message() {
    let (alice, bob, carol, dave) =
        tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"), TestUser::new("dave"));
    let id = group(&alice, &[&bob, &carol], "group").await;
    let members = format!("/v1/conversations/{id}/members");
    let first = send_text(&alice, &id).await;
    bob.delete(&format!("{members}/me")).await;
    let second_one = send_text(&alice, &id).await;
    alice.post(&members, &json!({"user_ids": [dave.user_id]})).await;
    let third = send_text(&carol, &id).await;

    // The former member's receipt reaches the end of the membership period, which is the item that ends it.
    let mut a = alice.connect().await;
    queue(&bob, &id, ReceiptKind::Read, &[(9_000, 10)]).await;
    let receipt = receipt_at(&mut a, first + 1).await;
    assert_eq!((&receipt["user_id"], &receipt["at"]), (&json!(bob.user_id), &json!(second(10))));

    let listed = |list: &[Value]| [&alice, &bob, &carol, &dave].map(|user| of(list, user).is_some());
    for limit in [1, 2, 100] {
        let list = statuses(&alice, &id, first, limit).await;
        assert_eq!(listed(&list), [false, true, true, false], "{list:?}");
        assert_eq!(of(&list, &bob).unwrap()["read_at"], json!(second(10)));
        assert_eq!(listed(&statuses(&alice, &id, second_one, limit).await), [false, false, true, false]);
        assert_eq!(listed(&statuses(&alice, &id, third, limit).await), [true, false, false, true]);
        assert_eq!(listed(&watermarks(&alice, &id, limit).await), [true, false, true, true], "current members");
    }
    let status = format!("/v1/conversations/{id}/messages/{first}/status");
    assert_eq!(bob.get(&status).await.1["code"], "not_a_member");
    assert_eq!(dave.get(&status).await.1["code"], "message_not_found", "sent before dave joined");
    for cursor in ["", "x", "%23conversation", "a%23"] {
        let (code, refused) = alice.get(&format!("{status}?cursor={cursor}")).await;
        assert_eq!((code, &refused["code"]), (400, &json!("invalid_request")), "{cursor}: {refused}");
    }
}

#[tokio::test]
async fn receipts_survive_leaving_and_rejoining() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = group(&alice, &[&bob], "group").await;
    let members = format!("/v1/conversations/{id}/members");
    let (read, unread) = (send_text(&alice, &id).await, send_text(&alice, &id).await);
    let mut a = alice.connect().await;
    queue(&bob, &id, ReceiptKind::Read, &[(read, 10)]).await;
    receipt_at(&mut a, read).await;
    bob.delete(&format!("{members}/me")).await;
    let hidden = send_text(&alice, &id).await;
    alice.post(&members, &json!({"user_ids": [bob.user_id]})).await;
    let after_rejoining = send_text(&alice, &id).await;
    let read_at = async |seq| of(&statuses(&alice, &id, seq, 100).await, &bob).map(|status| status["read_at"].clone());
    assert_eq!((read_at(read).await, read_at(unread).await), (Some(json!(second(10))), Some(json!(null))));
    assert_eq!((read_at(hidden).await, read_at(after_rejoining).await), (None, Some(json!(null))));

    // A seq that is hidden from him stands for the last visible one before it: the end of his first membership period.
    queue(&bob, &id, ReceiptKind::Read, &[(hidden, 20)]).await;
    poll_until(json!(unread + 1), async || {
        of(&watermarks(&alice, &id, 100).await, &bob).unwrap()["read"]["seq"].clone()
    })
    .await;
    queue(&bob, &id, ReceiptKind::Read, &[(after_rejoining, 30)]).await;
    receipt_at(&mut a, after_rejoining).await;
    assert_eq!((read_at(read).await, read_at(unread).await), (Some(json!(second(10))), Some(json!(second(20)))));
    assert_eq!((read_at(hidden).await, read_at(after_rejoining).await), (None, Some(json!(second(30)))));
}

#[tokio::test]
async fn earliest_time_counts_for_reordered_and_repeated_receipts() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let mut seqs = Vec::new();
    for _ in 0..6 {
        seqs.push(send_text(&alice, &id).await);
    }
    let times = async || -> Vec<Value> {
        let mut times = Vec::new();
        for seq in &seqs {
            times.push(of(&statuses(&alice, &id, *seq, 100).await, &bob).unwrap()["delivered_at"].clone());
        }
        times
    };
    let at = |seconds: [i64; 6]| seconds.map(|n| json!(second(n))).to_vec();
    let send = async |receipts: &[(usize, i64)]| {
        let receipts: Vec<(u64, i64)> = receipts.iter().map(|(n, at)| (seqs[*n], *at)).collect();
        queue(&bob, &id, ReceiptKind::Delivered, &receipts).await;
    };
    // Each step is a batch of its own: what it leads to is waited for.
    send(&[(1, 50)]).await;
    poll_until([at([50; 6])[..2].to_vec(), vec![json!(null); 4]].concat(), &times).await;
    send(&[(5, 100)]).await;
    poll_until(at([50, 50, 100, 100, 100, 100]), &times).await;
    // Late, lower, and earlier than all that is known of its place.
    send(&[(3, 70), (3, 70)]).await;
    poll_until(at([50, 50, 70, 70, 100, 100]), &times).await;
    // Late, and earlier than what is known of lower places as well.
    send(&[(2, 30)]).await;
    poll_until(at([30, 30, 30, 70, 100, 100]), &times).await;
    // The same place at an earlier time; then all again in another order, which changes nothing.
    send(&[(5, 60)]).await;
    poll_until(at([30, 30, 30, 60, 60, 60]), &times).await;
    send(&[(3, 70), (5, 100), (1, 50), (5, 60), (2, 30)]).await;
    send(&[(0, 10)]).await;
    poll_until(at([10, 30, 30, 60, 60, 60]), &times).await;
    assert_eq!(
        of(&watermarks(&alice, &id, 100).await, &bob).unwrap()["delivered"],
        json!({"seq": seqs[5], "at": second(60)})
    );
}

#[tokio::test]
async fn earlier_receipt_with_a_higher_seq_counts_for_all_lower_seqs() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let seqs = [
        send_text(&alice, &id).await,
        send_text(&alice, &id).await,
        send_text(&alice, &id).await,
        send_text(&alice, &id).await,
    ];
    let mut a = alice.connect().await;
    for (seq, at) in [(seqs[0], 50), (seqs[1], 100), (seqs[2], 30), (seqs[3], 200)] {
        queue(&bob, &id, ReceiptKind::Read, &[(seq, at)]).await;
        receipt_at(&mut a, seq).await;
    }
    for (seq, at) in seqs.into_iter().zip([30, 30, 30, 200]) {
        let status = statuses(&alice, &id, seq, 100).await;
        let status = of(&status, &bob).unwrap();
        assert_eq!((&status["read_at"], &status["delivered_at"]), (&json!(second(at)), &json!(second(at))), "{seq}");
    }
}

#[tokio::test]
async fn public_conversations_record_reads_and_not_deliveries() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = group(&alice, &[], "public").await;
    assert_eq!(bob.put(&format!("/v1/conversations/{id}/members/me"), &json!({})).await.0, 200);
    let (first, last) = (send_text(&alice, &id).await, send_text(&alice, &id).await);
    let mut a = alice.connect().await;
    queue(&bob, &id, ReceiptKind::Delivered, &[(last, 10)]).await;
    queue(&bob, &id, ReceiptKind::Read, &[(first, 20)]).await;
    assert_eq!(receipt_at(&mut a, first).await["kind"], "read");
    let watermarks = watermarks(&alice, &id, 100).await;
    let watermark = json!({"seq": first, "at": second(20)});
    assert_eq!(
        (&of(&watermarks, &bob).unwrap()["read"], &of(&watermarks, &bob).unwrap()["delivered"]),
        (&watermark, &watermark)
    );
    assert_eq!(of(&statuses(&alice, &id, last, 100).await, &bob).unwrap()["delivered_at"], json!(null));
}

#[tokio::test]
async fn senders_are_notified_of_receipts_for_texts_only() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let id = group(&alice, &[&bob, &carol], "group").await;
    let text = send_text(&alice, &id).await;
    let reaction = format!("/v1/conversations/{id}/messages/{text}/reactions/%F0%9F%91%8D");
    assert_eq!(carol.put(&reaction, &Value::Null).await.0, 200);
    let (mut a, mut b, mut c) = tokio::join!(alice.connect(), bob.connect(), carol.connect());
    queue(&bob, &id, ReceiptKind::Delivered, &[(text + 1, 10)]).await;
    assert_eq!(receipt_at(&mut a, text + 1).await["kind"], "delivered");
    // In so small a group all members are notified of reads; the reader is notified of what is unread.
    queue(&bob, &id, ReceiptKind::Read, &[(text + 1, 20)]).await;
    let frame = c.next("receipts").await;
    assert_eq!((&frame["receipts"][0]["kind"], &frame["receipts"][1]), (&json!("read"), &Value::Null), "{frame}");
    b.next("unread").await;
    assert!(b.pushed().await.iter().all(|frame| frame["type"] != "receipts"), "own receipts are not notified");
}

#[tokio::test]
async fn other_devices_are_notified_of_the_unread_count() {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let id = alice.private_conversation_with(&bob).await;
    let first = send_text(&alice, &id).await;
    send_text(&alice, &id).await;
    send_text(&bob, &id).await;
    let (mut phone, mut laptop) = tokio::join!(bob.connect(), bob.connect());
    let read = json!({"action": "read", "receipts": [{"conversation_id": id, "seq": first}]});
    assert_eq!(phone.ask(read).await["type"], "accepted");
    let frame = laptop.next("unread").await;
    let unread = json!([{"conversation_id": id, "read_seq": first, "unread": 1}]);
    assert_eq!(frame["unread"], unread, "own messages are not unread");
    let (_, conversation) = bob.get(&format!("/v1/conversations/{id}")).await;
    assert_eq!((&conversation["unread"], &conversation["read_seq"]), (&json!(1), &json!(first)));
}
