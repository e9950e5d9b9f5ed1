//! Refusals: each with its code and without effect.

use end_to_end::{StoredState, TestUser};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::group::Group;

struct Users {
    owner: TestUser,
    admin: TestUser,
    member: TestUser,
    former: TestUser,
    non_member: TestUser,
    group: Group,
}

async fn create_users() -> Users {
    let (owner, admin, member, former, non_member) = tokio::join!(
        TestUser::new("owner"),
        TestUser::new("admin"),
        TestUser::new("member"),
        TestUser::new("former"),
        TestUser::new("non-member")
    );
    let group = Group::of(&owner, &[&admin, &member, &former]).await;
    assert_eq!(group.set_role(&owner, &admin, "admin").await.0, 200);
    assert_eq!(group.remove(&admin, &former).await.0, 204);
    Users { owner, admin, member, former, non_member, group }
}

/// Method, path, body, code.
type Attempt<'a> = (&'a str, &'a str, Value, &'a str);

async fn attempt(user: &TestUser, (method, path, body, code): &Attempt<'_>) {
    let (status, answer) = match *method {
        "POST" => user.post(path, body).await,
        "PUT" => user.put(path, body).await,
        "PATCH" => user.patch(path, body).await,
        "DELETE" => user.delete(path).await,
        _ => user.get(path).await,
    };
    assert_eq!(answer["code"], *code, "{method} {path} {body}: {status} {answer}");
    assert_eq!(answer["status"], status);
}

async fn refused(group: &Group, user: &TestUser, attempts: &[Attempt<'_>]) {
    let before = group.stored_state().await;
    for one in attempts {
        attempt(user, one).await;
    }
    assert_eq!(group.stored_state().await, before);
}

#[tokio::test]
async fn invalid_requests_are_refused_without_effect() {
    let Users { owner, member, non_member, group, .. } = create_users().await;
    let ids = |ids: &[&str]| json!({"user_ids": ids});
    let many: Vec<Uuid> = (0..51).map(|_| Uuid::new_v4()).collect();
    let huge: Vec<Uuid> = (0..4000).map(|_| Uuid::new_v4()).collect();
    let (members, path) = (&*group.members, &*group.path);
    let (of_member, of_owner) = (group.member(&member), group.member(&owner));
    let missing = format!("{members}/{}", Uuid::new_v4());
    let attempts = [
        ("POST", members, ids(&[&non_member.user_id, &Uuid::new_v4().to_string()]), "user_not_found"),
        ("POST", members, ids(&[&non_member.user_id, &owner.user_id]), "self_add"),
        ("POST", members, ids(&[]), "too_many_members"),
        ("POST", members, json!({ "user_ids": many }), "too_many_members"),
        ("POST", members, json!({ "user_ids": huge }), "body_too_large"),
        ("POST", members, ids(&["bob"]), "invalid_uuid"),
        ("POST", members, json!({"user_ids": [7]}), "invalid_request"),
        ("POST", members, json!({"user_ids": [non_member.user_id], "role": "owner"}), "unknown_field"),
        ("POST", "/v1/conversations/team/members", ids(&[&non_member.user_id]), "invalid_uuid"),
        ("PATCH", &of_owner, json!({"role": "admin"}), "last_owner"),
        ("PATCH", &of_member, json!({"role": "king"}), "invalid_request"),
        ("PATCH", &of_member, json!({}), "invalid_request"),
        ("PATCH", &of_member, json!({"muted_until": "tomorrow"}), "invalid_request"),
        ("PATCH", &of_member, json!({"role": "admin", "joined_seq": 1}), "unknown_field"),
        ("PATCH", &missing, json!({"role": "admin"}), "member_not_found"),
        ("PATCH", &format!("{members}/bob"), json!({"role": "admin"}), "invalid_uuid"),
        ("DELETE", &format!("{members}/bob"), Value::Null, "invalid_uuid"),
        ("PATCH", path, json!({}), "invalid_request"),
        ("PATCH", path, json!({"title": ""}), "invalid_request"),
        ("PATCH", path, json!({"title": "x".repeat(201)}), "invalid_request"),
        ("PATCH", path, json!({"topic": "x".repeat(1001)}), "invalid_request"),
        ("PATCH", path, json!({"owner": "me"}), "unknown_field"),
        ("PATCH", path, json!({"title": "Sailors", "topic": "x".repeat(1001)}), "invalid_request"),
        ("GET", &format!("{members}?limit=0"), Value::Null, "invalid_request"),
        ("GET", &format!("{members}?cursor=x"), Value::Null, "invalid_request"),
    ];
    refused(&group, &owner, &attempts).await;
}

#[tokio::test]
async fn actions_beyond_a_role_are_refused() {
    let Users { owner, admin, member, former, non_member, group } = create_users().await;
    let (of_owner, of_admin, of_member) = (group.member(&owner), group.member(&admin), group.member(&member));
    let far_future = json!({"muted_until": "2100-01-01T00:00:00Z"});
    let add = json!({"user_ids": [non_member.user_id]});
    refused(
        &group,
        &admin,
        &[
            ("DELETE", &of_owner, Value::Null, "not_allowed"),
            ("PATCH", &of_owner, far_future.clone(), "not_allowed"),
            ("PATCH", &of_admin, far_future.clone(), "not_allowed"),
            ("PATCH", &of_admin, json!({"role": "owner"}), "not_allowed"),
            ("PATCH", &of_member, json!({"role": "admin"}), "not_allowed"),
            ("DELETE", &group.path, Value::Null, "not_allowed"),
        ],
    )
    .await;
    let by_all_others = |code| {
        [
            ("POST", &*group.members, add.clone(), code),
            ("DELETE", &*of_admin, Value::Null, code),
            ("PATCH", &*of_admin, far_future.clone(), code),
            ("PATCH", &*of_member, json!({"role": "admin"}), code),
            ("PATCH", &*group.path, json!({"title": "Mine"}), code),
            ("DELETE", &*group.path, Value::Null, code),
        ]
    };
    refused(&group, &member, &by_all_others("not_allowed")).await;
    refused(&group, &former, &by_all_others("not_a_member")).await;
    refused(&group, &former, &[("GET", &group.members, Value::Null, "not_a_member")]).await;

    // A non-member gets the same refusals as for a conversation that does not exist.
    let join = format!("{}/me", group.members);
    let messages = format!("{}/messages", group.path);
    let unknown = "conversation_not_found";
    let mut attempts = by_all_others(unknown).to_vec();
    attempts.extend([
        ("PUT", &*join, json!({}), unknown),
        ("DELETE", &*join, Value::Null, unknown),
        ("GET", &*group.path, Value::Null, unknown),
        ("GET", &*group.members, Value::Null, unknown),
        ("GET", &*messages, Value::Null, unknown),
    ]);
    refused(&group, &non_member, &attempts).await;
    let missing = Uuid::new_v4().to_string();
    for (method, path, body, code) in &attempts {
        attempt(&non_member, &(method, &path.replace(&group.id, &missing), body.clone(), code)).await;
    }
}

#[tokio::test]
async fn members_of_a_private_conversation_cannot_change() {
    let (alice, bob, carol) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"), TestUser::new("carol"));
    let id = alice.private_conversation_with(&bob).await;
    let path = format!("/v1/conversations/{id}");
    let group = Group { members: format!("{path}/members"), path, id };
    let wrong = "wrong_conversation_type";
    refused(
        &group,
        &alice,
        &[
            ("POST", &group.members, json!({"user_ids": [carol.user_id]}), wrong),
            ("DELETE", &group.member(&bob), Value::Null, wrong),
            ("DELETE", &group.member(&alice), Value::Null, wrong),
            ("PATCH", &group.member(&bob), json!({"role": "admin"}), wrong),
            ("PATCH", &group.path, json!({"title": "Us"}), wrong),
            ("DELETE", &group.path, Value::Null, wrong),
        ],
    )
    .await;
}

#[tokio::test]
async fn closed_conversation_can_be_read_and_left() {
    let Users { owner, admin, member, non_member, group, .. } = create_users().await;
    let mut socket = member.connect().await;
    for _ in 0..2 {
        assert_eq!(owner.delete(&group.path).await, (204, Value::Null), "closing is idempotent");
    }
    let state = group.stored_state().await;
    assert_eq!(state.kinds().iter().filter(|kind| *kind == "closed").count(), 1);
    let closed = "conversation_closed";
    refused(
        &group,
        &owner,
        &[
            ("POST", &group.members, json!({"user_ids": [non_member.user_id]}), closed),
            ("DELETE", &group.member(&member), Value::Null, closed),
            ("PATCH", &group.member(&member), json!({"role": "admin"}), closed),
            ("PATCH", &group.path, json!({"title": "Still here"}), closed),
        ],
    )
    .await;
    assert_eq!(group.send_text(&mut socket, "hello?").await["error"]["code"], closed);
    assert_eq!(group.stored_state().await, state);
    assert_eq!(group.read(&member).await.len(), state.log.len());
    for user in [&owner, &admin, &member] {
        assert_eq!(user.get(&group.path).await.1["closed"], true);
        assert_eq!(group.remove(user, user).await.0, 204);
    }
    assert_eq!(group.stored_state().await.active.len(), 0);
}

#[tokio::test]
async fn idempotency_key_is_bound_to_one_request() {
    let Users { owner, group, non_member, .. } = create_users().await;
    let body = json!({"type": "group", "title": "Other", "member_ids": []});
    let before: StoredState = group.stored_state().await;
    let (_, first) = owner.post_with_key("/v1/conversations", "key", &body).await;
    let other = json!({"type": "group", "title": "Other", "member_ids": [non_member.user_id]});
    assert_eq!(owner.post_with_key("/v1/conversations", "key", &other).await.1["code"], "idempotency_mismatch");
    assert_eq!(owner.post_with_key("/v1/conversations", "key", &body).await, (200, first));
    assert_eq!(non_member.get("/v1/conversations").await.1["conversations"], json!([]));
    assert_eq!(group.stored_state().await, before);
}
