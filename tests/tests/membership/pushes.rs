//! Changes are pushed to every user who sees them, and to no other.

use end_to_end::{Socket, TestUser};
use serde_json::json;

use crate::group::{Group, visible};

async fn pushed(socket: &mut Socket) -> Vec<u64> {
    socket.pushed().await.iter().map(|frame| frame["message"]["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn members_are_notified_of_every_change_until_they_are_removed() {
    let (alice, bob, carol, dave) =
        tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"), TestUser::new("dave"));
    let (mut a, mut b, mut c, mut d) = tokio::join!(alice.connect(), bob.connect(), carol.connect(), dave.connect());
    let group = Group::of(&alice, &[&bob, &carol]).await;
    assert_eq!(alice.patch(&group.path, &json!({"title": "Crew", "topic": "Ships"})).await.0, 200);
    assert_eq!(group.set_role(&alice, &bob, "admin").await.0, 200);
    assert_eq!(bob.patch(&group.member(&carol), &json!({"muted_until": "2100-01-01T00:00:00Z"})).await.0, 200);
    assert_eq!(group.add(&bob, &[&dave]).await.0, 204);
    assert_eq!(group.remove(&bob, &carol).await.0, 204);
    assert_eq!(alice.patch(&group.path, &json!({"topic": "Carol"})).await.0, 200);
    assert_eq!(group.remove(&bob, &bob).await.0, 204);
    assert_eq!(alice.delete(&group.path).await.0, 204);
    let state = group.stored_state().await;
    assert_eq!(
        state.kinds(),
        [
            "created",
            "title_changed",
            "topic_changed",
            "role_changed",
            "member_muted",
            "members_added",
            "member_removed",
            "topic_changed",
            "member_left",
            "closed",
        ]
    );
    for (user, socket) in [(&alice, &mut a), (&bob, &mut b), (&carol, &mut c), (&dave, &mut d)] {
        assert_eq!(pushed(socket).await, visible(&state, user));
    }
    assert_eq!(visible(&state, &carol), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(visible(&state, &dave), [6, 7, 8, 9, 10]);
}
