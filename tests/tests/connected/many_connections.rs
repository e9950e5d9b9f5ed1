//! More connections of one user than there may be, all at once.

use std::time::{Duration, Instant};

use end_to_end::socket::handshake;
use end_to_end::{Cloud, Socket, TestUser};
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

/// Most connections of one user.
const MAX_CONNECTIONS: usize = 20;

/// Connects without knowing whether that is accepted.
async fn connect(user: &TestUser) -> Option<Socket> {
    let mut request = handshake(Cloud::shared());
    request.headers_mut().insert("authorization", format!("Bearer {}", user.token).parse().unwrap());
    match Socket::open(request).await {
        Ok(socket) => Some(socket),
        Err(429) => None,
        Err(status) => panic!("{status}"),
    }
}

/// Every connection that is left open is notified, and no more are left open than the limit.
async fn connect_at_once(number: usize) {
    let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
    let conversation = alice.private_conversation_with(&bob).await;
    let mut open: Vec<Socket> = join_all((0..number).map(|_| connect(&bob))).await.into_iter().flatten().collect();
    // The surplus is closed as soon as it is up.
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        open = join_all(open.into_iter().map(Socket::if_open)).await.into_iter().flatten().collect();
        if open.len() <= MAX_CONNECTIONS {
            break;
        }
        assert!(Instant::now() < deadline, "{} are open", open.len());
    }
    assert!(!open.is_empty());

    let draft = json!({"client_message_id": Uuid::new_v4(), "after_seq": 1, "text": "to all of them"});
    let (status, sent) = alice.post(&format!("/v1/conversations/{conversation}/messages"), &draft).await;
    assert_eq!(status, 201, "{sent}");
    let received = join_all(open.iter_mut().map(async |socket| socket.next("message").await)).await;
    assert!(received.iter().all(|push| push["message"]["text"] == "to all of them"), "{received:?}");

    // The newest connection always finds its place.
    let mut newest = connect(&bob).await.expect("a connection");
    assert_eq!(newest.ask(json!({"action": "ping"})).await["type"], "pong");
}

#[tokio::test]
async fn sixty_connections_at_once_leave_twenty_that_are_notified() {
    connect_at_once(60).await;
}

#[tokio::test]
async fn connections_in_turn_close_the_oldest() {
    let bob = TestUser::new("bob").await;
    let mut sockets = Vec::new();
    for _ in 0..MAX_CONNECTIONS + 3 {
        sockets.push(connect(&bob).await.expect("a connection"));
    }
    let newest = sockets.split_off(3);
    for oldest in sockets {
        oldest.wait_until_closed().await;
    }
    let open = join_all(newest.into_iter().map(Socket::if_open)).await;
    assert_eq!(open.into_iter().flatten().count(), MAX_CONNECTIONS);
}
