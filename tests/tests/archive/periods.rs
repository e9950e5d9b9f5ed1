//! Membership periods: the border of the archive shows nobody more, or less, than the table did.

use end_to_end::TestUser;
use serde_json::json;

use crate::pages::{history, seq, sync, sync_over};
use crate::room::{Room, cloud};

#[tokio::test]
async fn former_and_later_members_see_their_periods_alone() {
    let cloud = cloud();
    let names = ["alice", "bob", "carol", "dave"].map(|name| TestUser::of(cloud, name));
    let [alice, bob, carol, dave] = <[TestUser; 4]>::try_from(futures_util::future::join_all(names).await).unwrap();
    let mut room = Room::of(cloud, &alice, &[&bob, &dave]).await;
    room.write(300).await;
    room.remove(&alice, &bob).await;
    room.write(700).await;
    // An edit that bob does not see, of a text that he does.
    assert_eq!(alice.patch(&room.message(20), &json!({"text": "edited while bob was away"})).await.0, 200);
    room.head += 1;
    room.remove(&alice, &dave).await;
    room.write(1_200).await;
    room.add(&alice, &bob).await;
    room.add(&alice, &carol).await;
    room.write(1_999).await;

    let mut of_bob = bob.connect().await;
    let users = [&alice, &bob, &carol, &dave];
    let mut before = Vec::new();
    for user in users {
        before.push((history(&room, user, true, 100).await, sync(&room, user, 0).await));
    }
    let conversation = format!("/v1/conversations/{}", room.id);
    let of_dave = dave.get(&conversation).await;
    assert_eq!((of_dave.0, &of_dave.1["last_message"]["seq"]), (200, &json!(702)), "{}", of_dave.1);
    room.write(2_500).await;
    room.archive().await;
    let old = |messages: Vec<serde_json::Value>| -> Vec<_> {
        messages.into_iter().filter(|message| seq(message) <= 1_999).collect()
    };
    for (user, (seen, (items, hidden))) in users.into_iter().zip(before) {
        assert_eq!(old(history(&room, user, true, 100).await), seen, "upwards");
        assert_eq!(old(history(&room, user, false, 37).await), seen, "downwards");
        let (synced, ranges) = sync(&room, user, 0).await;
        assert_eq!((old(synced), &ranges), (items, &hidden));
    }
    assert_eq!(dave.get(&conversation).await, of_dave, "the last message of a former member is archived");
    let (items, hidden) = sync_over(&room, &mut of_bob, 0).await;
    assert_eq!(hidden, [json!([302, 1_200])]);
    assert!(items.iter().all(|item| !(302..=1_200).contains(&seq(item))));
    assert_eq!(items.iter().find(|item| seq(item) == 20).unwrap()["text"], "message 20", "the text of his time");
    // Hidden seqs are hidden as targets, too.
    let reaction = format!("{}/reactions/%F0%9F%91%8D", room.message(500));
    let (status, problem) = bob.put(&reaction, &serde_json::Value::Null).await;
    assert_eq!((status, &problem["code"]), (404, &json!("message_not_found")));
    let reply = json!({"client_message_id": uuid::Uuid::new_v4(), "text": "x", "reply_to_seq": 500});
    assert_eq!(carol.post(&room.messages, &reply).await.0, 404);
}
