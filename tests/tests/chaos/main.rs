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
//! | `CHAOS_MINUTES` | sends for so long, as fast as the cloud answers, and then judges what was done: a long run |
//! | `CHAOS_PEOPLE` | number of users, 4 by default, 8 in a long run. Every two of them have a private conversation, every four a group, all a public one |
//! | `CHAOS_MESSAGES` | texts of each user in each private conversation and group, 20 by default (10 in the second test) |
//! | `CHAOS_OUTSTANDING` | texts of a user in a conversation that wait for answers at once, 4 by default, 50 in a long run |
//! | `CHAOS_PAUSE` | longest pause between two texts in milliseconds, 300 by default, none in a long run |
//! | `TEST_CONCURRENCY` | invocations that a process of the first test runs at once; the second, shorter test has 8 |

mod check;
mod context;
mod erased;
mod fault_plan;
mod lane;
mod operations;
mod progress;
mod retention;
mod settings;
mod tokens;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use context::{Context, TestConversation};
use domain::ConversationId;
use end_to_end::redis::RedisServer;
use end_to_end::{Cloud, StoredState};
use fault_plan::FaultPlan;
use futures_util::future::join_all;
use progress::Progress;
use settings::Settings;
use tokio_util::sync::CancellationToken;

use crate::operations::Completed;

/// The shortest that Cognito has: in a long run, connections are renewed.
const TOKEN_MINUTES: &str = "AccessTokenValidity=5";

/// Time between hiding and deleting: long for a request, short for a run.
const GRACE: &str = "RetentionGrace=5";

/// Number of the last lines of the cloud's output that a failure shows.
const SHOWN_LINES: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_clients_agree_with_the_log_after_faults() {
    run_all(None, None, 20, false).await;
}

/// The same with several invocations in a process, all of which fail when it is killed, and with a cache that processes share: it is
/// killed, paused and emptied. Meanwhile messages expire, and in a long run they move to the archive before. Users are erased.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_clients_agree_with_the_log_when_invocations_share_processes() {
    run_all(Some(8), Some(RedisServer::start()), 10, true).await;
}

async fn run_all(concurrency: Option<u32>, mut cache: Option<RedisServer>, texts: u64, ages: bool) {
    let settings = Settings::read(texts, ages);
    let cache_endpoint = cache.as_ref().map(|server| format!("CacheEndpoint={}", server.url()));
    let start = move || {
        let mut parameters = vec![TOKEN_MINUTES];
        parameters.extend(cache_endpoint.as_deref());
        if ages {
            parameters.extend(settings.pace.ages.into_iter().chain([GRACE, settings.pace.erasure_grace]));
        }
        Cloud::start_all(None, &parameters, concurrency)
    };
    let cloud = tokio::task::spawn_blocking(start).await.expect("the cloud starts");
    for _ in 0..settings::runs() {
        run(&cloud, cache.as_mut(), Settings::read(texts, ages)).await;
    }
    tokio::task::spawn_blocking(|| cloud.stop()).await.expect("the cloud stops");
}

/// Faults while users send texts, then calm, then every check.
async fn run(cloud: &Cloud, cache: Option<&mut RedisServer>, settings: Settings) {
    // Shown where the test fails.
    println!("{}", settings.variables());
    let (context, progress) = (Context::create(cloud, &settings).await, Arc::new(Progress::new()));
    if settings.ages {
        retention::hold_some(cloud, &context).await;
    }

    let stop = CancellationToken::new();
    let fault_plan = FaultPlan::new(&settings, &context, &progress);
    let watchers = context.watch_read_watermarks(&stop);
    let sending = async {
        let completed = tokio::select! {
            completed = context.send_texts(&settings, &progress) => completed,
            () = progress.until_still(settings.is_long()) => panic!("no user was answered for a minute: {}", last_lines(cloud)),
        };
        stop.cancel();
        completed
    };
    let erasing = erased::run(&context.erased, &settings, &progress, &stop);
    let (mut completed, (), ()) = tokio::join!(sending, fault_plan.run(cloud, cache, stop.clone()), erasing);
    for watcher in watchers {
        watcher.await.expect("read watermarks never move back");
    }
    println!("{progress}");
    println!("faults of requests by kind: {}", cloud.meter().await["faults"]);

    // Every user returns and sends a final message, so that no client ends early and each has something to read that was sent
    // without faults.
    let judged = Instant::now();
    if settings.ages {
        // Before everything is held, which would stop it.
        erased::until_finished(cloud, &context.erased).await;
        retention::stop(cloud, &context).await;
    }
    context.restore_members().await;
    completed.extend(context.send_final_messages().await);
    let mut by_conversation: BTreeMap<ConversationId, Vec<Completed>> = BTreeMap::new();
    for completed in completed {
        by_conversation.entry(completed.conversation).or_default().push(completed);
    }
    let (mut items, mut expired) = (0, 0);
    for conversation in context.conversations.iter() {
        let completed = by_conversation.remove(&conversation.id).unwrap_or_default();
        let state = check_conversation(cloud, &context, conversation, &completed).await;
        (items, expired) = (items + state.log.len(), expired + state.expired_seq().0);
    }
    let (conversations, time) = (context.conversations.len(), judged.elapsed());
    println!("{items} items of {conversations} conversations hold, {expired} have expired, judged in {time:?}");
    assert!(expired > 0 || !settings.ages, "nothing has expired");
}

/// Waits until every client has synced, and checks everything that it received, on every path that reads. Returns what is
/// stored.
async fn check_conversation(
    cloud: &Cloud,
    context: &Context,
    conversation: &TestConversation,
    completed: &[Completed],
) -> StoredState {
    let state = StoredState::after_relay(cloud, &conversation.id.to_string()).await;
    check::log::check(&state, completed);
    check::amendments::check(&state, completed);
    check::erasure::check(&state, context);
    let users = conversation.members.iter().map(|member| &context.users[*member]);
    join_all(users.map(async |user| {
        let periods = check::periods(&state, user.id).expect("all users were members");
        let replica = user.wait_until_synced(conversation.id, &state, &periods).await;
        check::replica::check(&state, user.id, &periods, replica);
        check::history::check(&state, user, &periods).await;
        check::search::check(&state, user, &periods, &context.erased).await;
        user.wait_until_read(conversation.id, &state, &periods).await;
    }))
    .await;
    check::receipts::check(&state, context, conversation).await;
    state
}

fn last_lines(cloud: &Cloud) -> String {
    let log = cloud.log();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}
