//! Who asks for an erasure, and what is answered.

use end_to_end::{TestBackend, TestUser};
use serde_json::{Value, json};

use crate::room::{Room, cloud, state, until_state, word};
use crate::stores::until_nowhere;

#[tokio::test]
async fn backends_delete_and_erase_users() {
    let cloud = cloud();
    let (alice, bob, backend) =
        tokio::join!(TestUser::of(cloud, "alice"), TestUser::of(cloud, "bob"), TestBackend::of(cloud));
    let room = Room::group(&bob, &[&alice]).await;
    let secret = word();
    room.say(&alice, &secret).await;
    let path = format!("/v1/server/users/{}", alice.user_id);
    let code = |(status, body): (u16, Value)| (status, body["code"].as_str().unwrap_or_default().to_owned());
    assert_eq!(code(backend.get(&format!("{path}/erasure")).await), (404, "user_not_found".to_owned()));
    let not_allowed = (403, "not_allowed".to_owned());
    assert_eq!(code(backend.acting_as(&bob).delete(&path).await), not_allowed);
    assert_eq!(code(backend.acting_as(&bob).get(&format!("{path}/erasure")).await), not_allowed);
    assert_eq!(bob.delete(&path).await.0, 401);
    for bad in ["?messages=all", "?messages=", "?text=erase"] {
        assert_eq!(backend.delete(&format!("{path}{bad}")).await.0, 400, "{bad}");
        assert_eq!(alice.delete(&format!("/v1/users/me{bad}")).await.0, 400, "{bad}");
    }
    let unknown = format!("/v1/server/users/{}", domain::UserId::from_token("i", &word()));
    assert_eq!(code(backend.delete(&unknown).await), (404, "user_not_found".to_owned()));
    let system = format!("/v1/server/users/{}", domain::UserId::SYSTEM);
    assert_eq!(code(backend.delete(&system).await), (404, "user_not_found".to_owned()));

    // Without the wish, the words stay.
    assert_eq!(backend.delete(&path).await.0, 204);
    assert_eq!(room.history(&bob).await[1]["text"], secret.as_str());
    assert_eq!(code(backend.get(&format!("{path}/erasure")).await), (404, "user_not_found".to_owned()));
    // It may come later, also from the user.
    assert_eq!(alice.delete("/v1/users/me?messages=erase").await.0, 204);
    let finished = until_state(&backend, &alice, "finished").await;
    assert_eq!((&finished["messages"], &finished["held_conversations"]), (&json!(1), &json!(0)), "{finished}");
    assert_eq!(backend.delete(&path).await.0, 204);
    assert_eq!(state(&backend, &alice).await, finished);
    until_nowhere(cloud, &[&secret]).await;
}
