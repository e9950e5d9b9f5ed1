//! Several people talk through a bad network and a failing cloud, with the reference client; then all is well again, and what
//! everybody saw is held against the log and the promises.
//!
//! The seed is printed on failure; `CHAOS_SEED` repeats the choices that are made here (not the machine's timing), and
//! `CHAOS_MESSAGES` says how many texts each of them sends: 15 unless it is set.

mod check;
mod people;
mod weather;

use std::sync::Arc;
use std::time::Duration;

use domain::ConversationId;
use end_to_end::{Cloud, Picture};
use people::Chatter;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio_util::sync::CancellationToken;
use weather::Weather;

/// What is set in the environment, or this.
fn setting(name: &str, otherwise: impl FnOnce() -> u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")),
        Err(_) => otherwise(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_everybody_saw_keeps_the_promises_whatever_fails() {
    let seed = setting("CHAOS_SEED", || rand::rng().random());
    let messages = setting("CHAOS_MESSAGES", || 15);
    // Shown where the test fails.
    println!("CHAOS_SEED={seed} CHAOS_MESSAGES={messages}");
    let cloud = Cloud::shared();
    let mut people = Vec::new();
    for name in ["alice", "bob", "carol", "dave"] {
        people.push(Chatter::new(cloud, name).await);
    }
    let people = Arc::new(people);
    let private = people[0].api.talk_to(people[1].user).await.expect("a private conversation");
    let others: Vec<_> = people[1..].iter().map(|person| person.user).collect();
    let group = people[0].api.group("Chaos", &others).await.expect("a group");

    let storm = CancellationToken::new();
    let weather = tokio::spawn(Weather::new(seed, Arc::clone(&people), group).rage(cloud, storm.clone()));
    let watch = |person: &Chatter| tokio::spawn(person.clone().watch_marks(group, storm.clone()));
    let watches: Vec<_> = people.iter().map(watch).collect();
    let mut talks = Vec::new();
    for (place, person) in people.iter().enumerate() {
        let rooms = if place < 2 { vec![private, group] } else { vec![group] };
        let choice = StdRng::seed_from_u64(seed ^ (place as u64 + 1));
        talks.push(tokio::spawn(person.clone().talk(rooms, messages, choice)));
    }
    let mut accepted = Vec::new();
    let talked = async {
        for talk in talks {
            accepted.extend(talk.await.expect("somebody who talks does not panic"));
        }
    };
    let patience = Duration::from_secs(90 + messages * 2);
    let calm = tokio::time::timeout(patience, talked).await;
    storm.cancel();
    weather.await.expect("the weather does not panic");
    for watch in watches {
        watch.await.expect("receipts never go backwards");
    }
    calm.unwrap_or_else(|_| panic!("not everybody was answered with seed {seed}: {}", cloud.log()));

    // Everybody comes back to hear a last word, so that nobody's client has an easy end.
    for user in others {
        // Refused for whoever is there.
        drop(people[0].api.add(group, user).await);
    }
    for conversation in [private, group] {
        accepted.extend(people[0].say(conversation, messages).await);
    }
    for conversation in [private, group] {
        everybody_agrees(cloud, &people, conversation, &accepted, seed).await;
    }
}

/// All is let through: once everybody has caught up, what they saw is checked.
async fn everybody_agrees(
    cloud: &Cloud,
    people: &[Chatter],
    conversation: ConversationId,
    accepted: &[people::Accepted],
    seed: u64,
) {
    let picture = Picture::settled(cloud, &conversation.to_string()).await;
    let accepted: Vec<_> = accepted.iter().filter(|sent| sent.conversation == conversation).collect();
    check::log(&picture, &accepted);
    for person in people {
        if let Some(periods) = check::periods(&picture, person.user) {
            let replica = person.caught_up(conversation, &picture, &periods, seed).await;
            check::replica(&picture, person.user, &periods, &replica);
        }
    }
}
