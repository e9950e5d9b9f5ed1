//! Many users chat over a bad network and a failing cloud, with the Rust client: they send, edit, delete, react, read, are
//! muted and removed, join and leave. Then the faults end, and everything that each of them saw is compared with the log and
//! the promises.
//!
//! Set by the environment:
//!
//! | | |
//! |---|---|
//! | `CHAOS_SEED` | repeats the choices that are made here (not the machine's timing); printed on failure |
//! | `CHAOS_PEOPLE` | how many there are: 4 unless it is set. Each two of them have a private conversation, each four a group, all a public one |
//! | `CHAOS_MESSAGES` | how many texts each of them says in each of the former: 12 unless it is set |
//! | `CHAOS_PAUSE` | the longest pause between two texts, in milliseconds: 300 unless it is set |

mod check;
mod deeds;
mod people;
mod scene;
mod weather;

use std::time::Duration;

use end_to_end::{Cloud, Picture};
use rand::RngExt;
use scene::{Context, Room};
use tokio_util::sync::CancellationToken;
use weather::Weather;

use crate::deeds::Done;

/// Returns a setting from the environment, or its default.
fn setting(name: &str, otherwise: impl FnOnce() -> u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")),
        Err(_) => otherwise(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_clients_agree_with_the_log_after_faults() {
    let seed = setting("CHAOS_SEED", || rand::rng().random());
    let (people, messages) = (setting("CHAOS_PEOPLE", || 4), setting("CHAOS_MESSAGES", || 12));
    let pause = Duration::from_millis(setting("CHAOS_PAUSE", || 300));
    // Shown where the test fails.
    println!("CHAOS_SEED={seed} CHAOS_PEOPLE={people} CHAOS_MESSAGES={messages} CHAOS_PAUSE={}", pause.as_millis());
    let cloud = Cloud::shared();
    let scene = Context::set(cloud, usize::try_from(people).expect("a number of people")).await;

    let storm = CancellationToken::new();
    let weather = tokio::spawn(Weather::new(seed, &scene).rage(cloud, storm.clone()));
    let watches = scene.watch_marks(&storm);
    let patience = Duration::from_secs(90) + Duration::from_secs(2) * u32::try_from(messages).expect("a number");
    let talked = tokio::time::timeout(patience, scene.talk(seed, messages, pause)).await;
    storm.cancel();
    weather.await.expect("the weather does not panic");
    for watch in watches {
        watch.await.expect("receipts never go backwards");
    }
    let mut done = talked.unwrap_or_else(|_| panic!("not everybody was answered with seed {seed}: {}", cloud.log()));

    // Every user returns and sends a final message, so that no client ends early and each has something to read that was sent
    // without faults.
    scene.gather().await;
    done.extend(scene.last_words().await);
    for room in scene.rooms.iter() {
        let here: Vec<&Done> = done.iter().filter(|done| done.conversation == room.id).collect();
        everybody_agrees(cloud, &scene, room, &here).await;
    }
}

/// Once every client has caught up, everything that they saw is checked, on every path that reads.
async fn everybody_agrees(cloud: &Cloud, scene: &Context, room: &Room, done: &[&Done]) {
    let picture = Picture::settled(cloud, &room.id.to_string()).await;
    check::log::holds(&picture, done);
    check::amendments::hold(&picture, done);
    for person in room.members.iter().map(|member| &scene.people[*member]) {
        let periods = check::periods(&picture, person.user).expect("everybody was there");
        let replica = person.caught_up(room.id, &picture, &periods).await;
        check::replica::holds(&picture, person.user, &periods, &replica);
        check::history::holds(&picture, person, &periods).await;
        person.read_to_the_end(room.id, &picture, &periods).await;
    }
    check::receipts::hold(&picture, scene, room).await;
}
