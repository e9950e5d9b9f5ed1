//! The archive under simulation: segments move to S3 and changes into chunks while users write, amend and read, and workers crash.
//!
//! Segments have a few items here, so that a short log has several. `ARCHIVE_SEED` repeats a run and prints its history;
//! `ARCHIVE_SEEDS` sets the number of random ones.

mod actors;
mod bucket;
mod check;
mod subject;

use std::rc::Rc;
use std::time::{Duration, Instant};

use chat::membership::Projection;
use domain::conversation::Member;
use domain::membership::Change as MembershipChange;
use domain::{ConversationId, ConversationType, HistoryPolicy, MessageKind, Role, SegmentSize, Seq, UserId};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::dynamodb::messages::Order;
use store::sql::outbox::Pending;
use uuid::{Builder, Uuid};

use actors::{Room, amend, archive, pages, read, rows, write};
use bucket::{Bucket, BucketFaults};
use check::{check_events, check_read};
use subject::{AFTER, MakeSubject, Outcome, mutants, production};

use crate::conversation::random_id;
use crate::executor::{self, Machine, Name};
use crate::find;
use crate::history::Event;
use crate::network::{FaultPlan, Network};

/// Number of random runs, unless `ARCHIVE_SEEDS` sets it.
const SEEDS: u64 = 100;

/// Number of runs in which a mutant has to be detected.
const MAX_SEEDS_OF_MUTANT: u64 = 1_000;

/// Longest time that a request can be under way.
const LAST_ARRIVAL: Duration = Duration::from_secs(10);

#[test]
fn archive_keeps_every_item() {
    let number = |name| std::env::var(name).ok().map(|value| value.parse::<u64>().expect("the setting is a number"));
    if let Some(seed) = number("ARCHIVE_SEED") {
        return expect_no_violation(seed);
    }
    let first: u64 = rand::rng().random();
    let seeds = number("ARCHIVE_SEEDS").unwrap_or(SEEDS);
    let begun = Instant::now();
    if let Some(seed) = find(first, seeds, |seed| !run(seed, production()).0.is_empty()) {
        expect_no_violation(seed);
    }
    println!("{seeds} seeds in {:.1?}", begun.elapsed());
}

#[test]
fn every_mutant_of_the_archive_is_detected() {
    for mutants::Mutant { name, make } in mutants::all() {
        let begun = Instant::now();
        let found = find(0, MAX_SEEDS_OF_MUTANT, |seed| !run(seed, *make).0.is_empty());
        assert!(found.is_some(), "no check detects {name}");
        println!("{name}: seed {found:?}, {:.1?}", begun.elapsed());
    }
}

/// A crash between two steps can leave an object of a later generation.
#[test]
fn objects_of_crashes_are_deleted_when_nobody_can_name_them() {
    let (left, _) = executor::run(1, async {
        let room = quiet_room(1);
        begin(&room).await;
        write(Rc::clone(&room), 0, 12, 1).await;
        executor::sleep(AFTER).await;
        let segment = room.size.segment_of(Seq(1));
        assert_eq!(room.subject.settle(room.id, segment, false).await, Outcome::Archived(0));
        let named = room.bucket.keys();
        let orphan = named[0].replace("-1-", "-2-");
        assert_ne!(named[0], orphan);
        room.bucket.objects().put(&orphan, b"x", "").await.expect("a bucket without faults");
        let mut left = Vec::new();
        for _ in 0..2 {
            assert_eq!(room.subject.settle(room.id, segment, false).await, Outcome::Archived(0));
            left.push(room.bucket.keys().len());
            executor::sleep(Duration::from_mins(61)).await;
        }
        assert_eq!(room.bucket.keys(), named);
        left
    });
    assert_eq!(left.expect("a run that ends"), [2, 1], "a young one may be about to be named");
}

fn expect_no_violation(seed: u64) {
    let (violations, history) = run(seed, production());
    for event in &history {
        println!("{event}");
    }
    assert!(violations.is_empty(), "ARCHIVE_SEED={seed}: {violations:#?}");
}

/// Carries out a run; returns its violations.
fn run(seed: u64, make: MakeSubject) -> (Vec<String>, Vec<Event>) {
    let (violations, history) = executor::run(seed, carry_out(seed, make));
    (violations.unwrap_or_else(|stalled| vec![format!("{stalled:?}")]), history)
}

/// Returns a room of production code, without faults.
fn quiet_room(seed: u64) -> Rc<Room> {
    room(&mut StdRng::seed_from_u64(seed), production())
}

/// Returns a room whose network has no faults yet.
fn room(rng: &mut StdRng, make: MakeSubject) -> Rc<Room> {
    let (network, bucket) = (Network::new(), Bucket::default());
    let size = SegmentSize::of(rng.random_range(2..=6));
    Rc::new(Room {
        id: ConversationId(Builder::from_random_bytes(rng.random()).into_uuid()),
        users: [(); 2].map(|()| UserId(random_id(rng))),
        size,
        log: Room::log(&network, &bucket, size),
        subject: make(&network.client(), bucket.objects(), size),
        pause: rng.random_range(1_000..=6_000),
        known: std::cell::RefCell::default(),
        network,
        bucket,
    })
}

async fn carry_out(seed: u64, make: MakeSubject) -> Vec<String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let room = room(&mut rng, make);
    begin(&room).await;
    room.network.set(FaultPlan::draw(&mut rng));
    room.bucket.set(BucketFaults {
        lost: rng.random_range(0.0..0.15),
        failed: rng.random_range(0.0..0.1),
        late: rng.random_range(0.0..0.1),
        latency: rng.random_range(1.0..80.0),
    });
    let mut tasks = Vec::new();
    for number in 0..2 {
        let mut spawn = |name, task: futures_util::future::LocalBoxFuture<'static, ()>| {
            tasks.push(executor::spawn(Machine::new(name, rng.random(), Duration::ZERO), task).join());
        };
        let seeds: [u64; 4] = StdRng::seed_from_u64(seed ^ (number as u64 + 1)).random();
        spawn(Name::Device(number), Box::pin(write(Rc::clone(&room), number, 10, seeds[0])));
        spawn(Name::Amend(number, 0, 0), Box::pin(amend(Rc::clone(&room), number, 10, seeds[1])));
        spawn(Name::Archiver(number), Box::pin(archive(Rc::clone(&room), 12, seeds[2])));
        spawn(Name::Reader(number), Box::pin(read(Rc::clone(&room), 6, seeds[3])));
    }
    join_all(tasks).await;
    room.network.set(FaultPlan::default());
    room.bucket.set(BucketFaults::default());
    // What was sent before a crash may still arrive.
    executor::sleep(LAST_ARRIVAL + AFTER).await;
    finish(&room).await;
    room.known.take().violations
}

/// Archives all that may move, without faults, and checks what is where.
async fn finish(room: &Room) {
    let known = room.known.borrow().clone();
    let Ok(Some(before)) = pages(room, Order::Ascending, 7).await else {
        return room.violation("the log cannot be read in the end".to_owned());
    };
    check_read(room, &known, &before);
    check_events(room, &before);
    let head = before.last().map_or(Seq::ZERO, |item| item.seq);
    let segments: Vec<_> = room.size.movable(head).collect();
    for segment in &segments {
        let settled = room.subject.settle(room.id, *segment, true).await;
        if settled != Outcome::Archived(0) {
            room.violation(format!("the segment from {} on ends as {settled:?}", segment.first));
        }
    }
    match pages(room, Order::Descending, 3).await {
        Ok(Some(after)) if after == before => {}
        after => room.violation(format!("the archived log differs: {after:?}, was {before:?}")),
    }
    let border = segments.last().map_or(Seq::ZERO, |segment| segment.last);
    let left: Vec<u64> = rows(room).await.iter().map(|item| item.seq.0).collect();
    if !left.iter().copied().eq(border.0 + 1..=head.0) {
        room.violation(format!("the table has {left:?}, and the border is {border}"));
    }
    let keys = room.bucket.keys();
    if keys.len() != segments.len() {
        room.violation(format!("{} segments have the objects {keys:?}", segments.len()));
    }
}

/// Creates the conversation, without faults.
async fn begin(room: &Room) {
    let members = room.users.iter().map(|user| Member::new(*user, Role::Member)).collect();
    let item = MessageKind::Created {
        conversation_type: ConversationType::Group,
        title: Some("Archive".to_owned()),
        topic: None,
        custom: None,
        history: HistoryPolicy::Full,
        members,
    };
    let change = MembershipChange::Logged { actor: room.users[0], item };
    let created = Pending { outbox_id: Uuid::nil(), conversation_id: room.id, version: 1, change };
    let projection = Projection { messages: &room.log.messages, members: &room.log.members };
    Box::pin(projection.write(&created)).await.expect("a new conversation");
}
