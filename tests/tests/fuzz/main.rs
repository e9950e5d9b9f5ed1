//! Mutated frames and bodies, sent to a running cloud over both of its doors.
//!
//! Each of several attackers takes a valid request, mutates it, and sends it. Every answer has to be one that the protocol
//! documents, and a conversation that the attackers are not in has to stay as it is, and unknown to them.
//!
//! Set by the environment:
//!
//! | | |
//! |---|---|
//! | `FUZZ_INPUTS` | number of inputs of all attackers together, 3,000 by default |
//! | `PARSER_INPUTS` | number of inputs of the parsers alone, 20,000 by default |
//! | `FUZZ_SEED` | repeats the inputs; printed on failure |

mod attacker;
mod mutate;
mod parsers;
mod request;
mod verdict;

use std::sync::Arc;

use end_to_end::{Cloud, StoredState, TestUser};
use futures_util::future::join_all;
use rand::RngExt;
use serde_json::json;
use uuid::Uuid;

use attacker::Attacker;

/// Number of attackers that send at the same time.
const ATTACKERS: u64 = 8;

/// Returns a setting from the environment, or its default.
fn setting(name: &str, default: impl FnOnce() -> u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")),
        Err(_) => default(),
    }
}

/// A private conversation of two users whom the attackers know by their ids only.
struct Bystanders {
    alice: TestUser,
    conversation: String,
    /// A text of the conversation.
    secret: String,
}

impl Bystanders {
    async fn new() -> Self {
        let (alice, bob) = tokio::join!(TestUser::new("alice"), TestUser::new("bob"));
        let conversation = alice.private_conversation_with(&bob).await;
        let secret = format!("secret-{}", Uuid::new_v4().simple());
        let message = json!({"client_message_id": Uuid::new_v4(), "after_seq": 1, "text": secret});
        let (status, answer) = alice.post(&format!("/v1/conversations/{conversation}/messages"), &message).await;
        assert_eq!(status, 201, "{answer}");
        Self { alice, conversation, secret }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutated_inputs_get_documented_answers_and_change_nothing_of_others() {
    let (seed, inputs) = (setting("FUZZ_SEED", || rand::rng().random()), setting("FUZZ_INPUTS", || 3000));
    // Shown where the test fails.
    println!("FUZZ_SEED={seed} FUZZ_INPUTS={inputs}");
    let cloud = Cloud::shared();
    let bystanders = Arc::new(Bystanders::new().await);
    let before = StoredState::after_relay(cloud, &bystanders.conversation).await;
    let profile = bystanders.alice.get("/v1/users/me").await;

    let attackers = (0..ATTACKERS).map(|n| {
        let bystanders = Arc::clone(&bystanders);
        tokio::spawn(async move {
            let mut attacker = Attacker::new(seed.wrapping_add(n), &bystanders).await;
            attacker.run(inputs / ATTACKERS).await;
            attacker.counts
        })
    });
    let mut counts = verdict::Counts::default();
    for attacker in join_all(attackers).await {
        counts.add(&attacker.expect("every answer is documented"));
    }
    println!("{counts}");

    assert_eq!(StoredState::after_relay(cloud, &bystanders.conversation).await, before);
    assert_eq!(bystanders.alice.get("/v1/users/me").await, profile);
    let log = cloud.log();
    assert!(!log.contains("panicked at"), "a function panicked: {log}");
    assert!(counts.accepted() > 0 && counts.refused() > 0, "{counts}");
}
