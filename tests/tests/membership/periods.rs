//! Every user sees exactly what was sent while they were a member, with sends that race with membership changes.

use std::collections::BTreeMap;

use domain::MessageKind;
use end_to_end::{Socket, TestUser};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::group::{Group, visible};

/// Sends repeatedly, allowed or not; returns the number of accepted messages.
async fn send_repeatedly(group: &Group, socket: &mut Socket, times: usize) -> usize {
    let mut sent = 0;
    for n in 0..times {
        let answer = group.send_text(socket, &format!("{n}")).await;
        match (answer["type"].as_str(), answer["error"]["code"].as_str()) {
            (Some("sent"), _) => sent += 1,
            (_, Some("not_a_member" | "busy")) => {}
            _ => panic!("{answer}"),
        }
    }
    sent
}

#[tokio::test]
async fn users_see_exactly_their_membership_periods_during_concurrent_changes() {
    let users = join_all(["alice", "bob", "carol", "dave"].map(TestUser::new)).await;
    let [alice, bob, carol, dave] = &users[..] else { unreachable!("four") };
    let group = Group::of(alice, &[bob, carol]).await;
    let (mut a, mut b, mut c, mut d) = tokio::join!(alice.connect(), bob.connect(), carol.connect(), dave.connect());
    let remove_and_add = async |user: &TestUser, itself: bool| {
        for _ in 0..3 {
            let (status, refused) = group.remove(if itself { user } else { alice }, user).await;
            assert_eq!(status, 204, "{refused}");
            let (status, refused) = group.add(alice, &[user]).await;
            assert_eq!(status, 204, "{refused}");
        }
        group.remove(if itself { user } else { alice }, user).await
    };
    let (sent, ..) = tokio::join!(
        async {
            tokio::join!(
                send_repeatedly(&group, &mut a, 40),
                send_repeatedly(&group, &mut b, 30),
                send_repeatedly(&group, &mut c, 30)
            )
        },
        remove_and_add(bob, false),
        remove_and_add(carol, true),
        async { group.add(alice, &[dave]).await },
    );
    let state = group.stored_state().await;
    let mut sent_seqs: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for item in state.log.iter().filter(|item| matches!(item.kind, MessageKind::Text(_))) {
        sent_seqs.entry(item.sender_id.to_string()).or_default().push(item.seq.0);
    }
    let count = |user: &TestUser| sent_seqs.get(&user.user_id).map_or(0, Vec::len);
    assert_eq!(sent, (count(alice), count(bob), count(carol)), "every accepted message is in the log once");

    for (user, socket) in [(alice, &mut a), (bob, &mut b), (carol, &mut c), (dave, &mut d)] {
        let seen = visible(&state, user);
        assert_eq!(group.read(user).await, seen, "history");
        let newest = &state.log[usize::try_from(*seen.last().unwrap()).unwrap() - 1];
        let preview = (json!(newest.seq), json!(newest.sent_at));
        let (_, conversation) = user.get(&group.path).await;
        assert_eq!(
            (conversation["head_seq"].clone(), conversation["last_message_at"].clone()),
            preview,
            "conversation"
        );
        let (_, list) = user.get("/v1/conversations").await;
        assert_eq!(list["conversations"], json!([conversation]), "list");
        let own = sent_seqs.remove(&user.user_id).unwrap_or_default();
        assert!(own.iter().all(|seq| seen.contains(seq)), "own messages {own:?} are not all visible: {seen:?}");
        for frame in socket.pushed().await {
            let seq = frame["message"]["seq"].as_u64().unwrap();
            assert!(seen.contains(&seq), "{seq} was pushed but is not visible: {seen:?}");
        }
    }

    // A receipt covers no more than its user can see.
    let receipt = json!({"action": "read", "receipts": [{"conversation_id": group.id, "seq": 1_000_000}]});
    b.send(&receipt).await;
    let receipt: Value = a.next("receipts").await["receipts"][0].clone();
    assert_eq!((&receipt["user_id"], &receipt["seq"]), (&json!(bob.user_id), &json!(visible(&state, bob).last())));
}
