//! The Rust client of a backend.

use std::sync::Arc;

use client::domain::protocol::http::UserEntry;
use client::domain::{ClientMessageId, MessageKind, Role, UserId};
use client::{ApiError, AuditFilter, ClientCredentials, Endpoints, FixedToken, Server, TokenSource};
use end_to_end::{Cloud, TestUser};
use uuid::Uuid;

fn endpoints() -> Endpoints {
    Endpoints::read(Cloud::shared().endpoints_file()).unwrap()
}

fn credentials() -> Arc<ClientCredentials> {
    Arc::new(ClientCredentials::local(Cloud::shared().endpoints_file()).unwrap())
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (u16, String) {
    match result {
        Err(ApiError::Refused { status, code, .. }) => (status, code),
        other => panic!("no refusal: {other:?}"),
    }
}

#[tokio::test]
async fn backend_does_with_the_client_what_it_does_by_hand() {
    let cloud = tokio::task::spawn_blocking(Cloud::shared).await.unwrap();
    let server = Server::new(endpoints(), credentials()).unwrap();
    let subject = format!("alice-{}", Uuid::new_v4());
    let alice = server.create_user(&subject, "Alice").await.unwrap();
    let bob: UserId = TestUser::of(cloud, "bob").await.user_id.parse().unwrap();
    let as_alice = server.acting_as(alice);

    let conversation = as_alice.group("Team", &[bob]).await.unwrap();
    let id = ClientMessageId(Uuid::new_v4());
    let sent = as_alice.send(conversation, id, None, "hello").await.unwrap();
    let notice =
        server.system().send(conversation, ClientMessageId(Uuid::new_v4()), Some(sent.seq), "noted").await.unwrap();
    server.system().set_role(conversation, bob, Role::Owner).await.unwrap();
    server.system().describe(conversation, Some("Crew"), None).await.unwrap();
    server.system().remove(conversation, alice).await.unwrap();
    let late = as_alice.send(conversation, ClientMessageId(Uuid::new_v4()), Some(sent.seq), "again").await;
    assert_eq!(refusal(late), (403, "not_a_member".to_owned()));

    let seen = server.acting_as(bob).latest(conversation, 100).await.unwrap();
    let senders: Vec<UserId> = seen
        .iter()
        .filter(|message| matches!(message.kind, MessageKind::Text(_)))
        .map(|message| message.sender_id)
        .collect();
    assert_eq!(senders, [alice, UserId::SYSTEM]);
    server.system().edit(conversation, notice.seq, "noted well").await.unwrap();
    server.system().delete(conversation, sent.seq).await.unwrap();
    server.system().close(conversation).await.unwrap();
    assert_eq!(server.acting_as(bob).conversations().await.unwrap().len(), 1);
    assert_eq!(refusal(server.system().group("Team", &[bob]).await).0, 400);

    let entries = server.audit(&AuditFilter::default()).await.unwrap().entries;
    let about_team = |route: &str| {
        entries.iter().any(|entry| entry.route == route && entry.path.contains(&conversation.to_string()))
    };
    assert!(about_team("PATCH /v1/server/conversations/{id}") && about_team("DELETE /v1/server/conversations/{id}"));
    let other = AuditFilter { client_id: Some("a b&c".to_owned()), ..AuditFilter::default() };
    assert_eq!(server.audit(&other).await.unwrap().entries, []);

    as_alice.delete_account().await.unwrap();
    let [UserEntry::Deleted { .. }] = server.system().users(&[alice]).await.unwrap()[..] else {
        panic!("she is there")
    };
}

#[tokio::test]
async fn token_is_kept_and_a_wrong_secret_is_refused() {
    let cloud = tokio::task::spawn_blocking(Cloud::shared).await.unwrap();
    let source = credentials();
    let first = source.token().await.unwrap();
    assert_eq!(source.token().await.unwrap(), first);
    let url = &cloud.endpoints.oauth_token;
    let wrong = ClientCredentials::new(url, &cloud.endpoints.programs[0].client_id, "wrong").unwrap();
    assert_eq!(refusal(wrong.token().await).0, 400);
    let user = TestUser::of(cloud, "mallory").await;
    let server = Server::new(endpoints(), Arc::new(FixedToken::new(user.token))).unwrap();
    assert!(matches!(server.create_user("a", "A").await, Err(ApiError::Unauthorized(_))));
}
