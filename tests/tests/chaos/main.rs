//! Many users chat over a bad network and a failing cloud, with the Rust client: they send, edit, delete, react, read, are
//! muted and removed, join and leave. Then the faults end, and everything that each of them received is compared with the log
//! and the guarantees.
//!
//! Set by the environment:
//!
//! | | |
//! |---|---|
//! | `CHAOS_SEEDS` | number of runs with random seeds, 1 by default |
//! | `CHAOS_SEED` | repeats the choices that are made here (not the machine's timing); printed on failure |
//! | `CHAOS_PEOPLE` | number of users, 4 by default. Every two of them have a private conversation, every four a group, all a public one |
//! | `CHAOS_MESSAGES` | texts of each user in each private conversation and group, 12 by default |
//! | `CHAOS_PAUSE` | longest pause between two texts in milliseconds, 300 by default |
//! | `TEST_CONCURRENCY` | invocations that a process of the first test runs at once; the second, shorter test has 8 |

mod check;
mod context;
mod fault_plan;
mod operations;
mod users;

use std::time::Duration;

use context::{Context, TestConversation};
use end_to_end::{Cloud, StoredState};
use fault_plan::FaultPlan;
use rand::RngExt;
use tokio_util::sync::CancellationToken;

use crate::operations::Completed;

/// Returns a setting from the environment, or its default.
fn setting(name: &str, otherwise: impl FnOnce() -> u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")),
        Err(_) => otherwise(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_clients_agree_with_the_log_after_faults() {
    for _ in 0..setting("CHAOS_SEEDS", || 1) {
        run(Cloud::shared(), setting("CHAOS_MESSAGES", || 12)).await;
    }
}

/// The same with several invocations in a process, all of which fail when it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_clients_agree_with_the_log_when_invocations_share_processes() {
    let cloud = tokio::task::spawn_blocking(|| Cloud::concurrent(8)).await.expect("the cloud starts");
    // It stops with the test process, as the shared one does.
    let cloud: &'static Cloud = Box::leak(Box::new(cloud));
    for _ in 0..setting("CHAOS_SEEDS", || 1) {
        run(cloud, setting("CHAOS_MESSAGES", || 4)).await;
    }
}

/// Faults while users send texts, then calm, then every check.
async fn run(cloud: &'static Cloud, messages: u64) {
    let (users, seed) = (setting("CHAOS_PEOPLE", || 4), setting("CHAOS_SEED", || rand::rng().random()));
    let pause = Duration::from_millis(setting("CHAOS_PAUSE", || 300));
    // Shown where the test fails.
    println!("CHAOS_SEED={seed} CHAOS_PEOPLE={users} CHAOS_MESSAGES={messages} CHAOS_PAUSE={}", pause.as_millis());
    let context = Context::create(cloud, usize::try_from(users).expect("the number of users fits usize")).await;

    let stop = CancellationToken::new();
    let fault_plan = tokio::spawn(FaultPlan::new(seed, &context).run(cloud, stop.clone()));
    let watchers = context.watch_read_watermarks(&stop);
    let time_limit = Duration::from_secs(90)
        + Duration::from_secs(2) * u32::try_from(messages).expect("the number of messages fits u32");
    let sent = tokio::time::timeout(time_limit, context.send_texts(seed, messages, pause)).await;
    stop.cancel();
    fault_plan.await.expect("the fault plan does not panic");
    for watcher in watchers {
        watcher.await.expect("read watermarks never move back");
    }
    let mut completed =
        sent.unwrap_or_else(|_| panic!("some users were not answered with seed {seed}: {}", cloud.log()));

    // Every user returns and sends a final message, so that no client ends early and each has something to read that was sent
    // without faults.
    context.restore_members().await;
    completed.extend(context.send_final_messages().await);
    for conversation in context.conversations.iter() {
        let completed: Vec<&Completed> =
            completed.iter().filter(|completed| completed.conversation == conversation.id).collect();
        check_conversation(cloud, &context, conversation, &completed).await;
    }
}

/// Waits until every client has synced, and checks everything that it received, on every path that reads.
async fn check_conversation(
    cloud: &Cloud,
    context: &Context,
    conversation: &TestConversation,
    completed: &[&Completed],
) {
    let state = StoredState::after_relay(cloud, &conversation.id.to_string()).await;
    check::log::check(&state, completed);
    check::amendments::check(&state, completed);
    for user in conversation.members.iter().map(|member| &context.users[*member]) {
        let periods = check::periods(&state, user.id).expect("all users were members");
        let replica = user.wait_until_synced(conversation.id, &state, &periods).await;
        check::replica::check(&state, user.id, &periods, &replica);
        check::history::check(&state, user, &periods).await;
        user.wait_until_read(conversation.id, &state, &periods).await;
    }
    check::receipts::check(&state, context, conversation).await;
}
