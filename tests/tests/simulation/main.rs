//! The log under simulation: one seed, one run.
//!
//! The code of `store` and `chat` runs on one thread in virtual time, over an in-process way to the embedded DynamoDB. A seed decides
//! the plan of a run, the order in which its tasks go on, how long each request takes and what becomes of it, and the moments at
//! which invocations crash. A run with the same seed has the same history, to the last request.
//!
//! Devices send, edit, react, acknowledge and sync; members come and go by an outbox and several relays at once; processes
//! restart and share a cache; workers record
//! receipts late, twice and in no order. Reads lag behind, or lie in the middle of a transaction. What needs SQL is left out.
//!
//! The archive has runs of its own: see [`archive`].
//!
//! `SIMULATION_SEED` repeats a run and prints its history; `SIMULATION_SEEDS` sets the number of random ones.

mod archive;
mod chaos;
mod check;
mod conversation;
mod device;
mod executor;
mod history;
mod members;
mod network;
mod plan;
mod run;
mod shared;
mod shrink;
mod tables;

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use chaos::mutants;
use chaos::writer::{MakeWriter, writer};
use plan::Plan;
use rand::RngExt;
use run::run;

/// Number of random runs, unless `SIMULATION_SEEDS` sets it.
const SEEDS: u64 = 400;

/// Number of runs in which a mutant has to be detected.
const MAX_SEEDS_OF_MUTANT: u64 = 3_000;

#[test]
fn log_keeps_every_rule() {
    let number = |name| std::env::var(name).ok().map(|value| value.parse::<u64>().expect("the setting is a number"));
    if let Some(seed) = number("SIMULATION_SEED") {
        let outcome = run(&Plan::of(seed), production());
        for event in &outcome.history {
            println!("{event}");
        }
        return expect_no_violation(seed);
    }
    let first: u64 = rand::rng().random();
    let seeds = number("SIMULATION_SEEDS").unwrap_or(SEEDS);
    let begun = Instant::now();
    if let Some(seed) = find(first, seeds, |seed| !run(&Plan::of(seed), production()).violations.is_empty()) {
        expect_no_violation(seed);
    }
    println!("{seeds} seeds in {:.1?}", begun.elapsed());
}

#[test]
fn same_seed_has_the_same_history() {
    for seed in 0..20 {
        let [one, other] = [(); 2].map(|()| {
            let history = run(&Plan::of(seed), production()).history;
            history.iter().map(ToString::to_string).collect::<Vec<_>>()
        });
        let differs = one.iter().zip(&other).position(|(one, other)| one != other);
        let shown = differs.map(|at| (&one[at], &other[at]));
        assert!(one == other, "the runs of seed {seed} differ at {differs:?}: {shown:?}");
        assert!(one.len() > 20, "seed {seed} does something");
    }
}

#[test]
fn every_mutant_is_detected() {
    for mutants::Mutant { name, make, breaks } in mutants::all() {
        let detects = |seed| run(&Plan::of(seed), *make).violations.iter().any(|violation| violation.rule == *breaks);
        let begun = Instant::now();
        let found = find(0, MAX_SEEDS_OF_MUTANT, detects);
        assert!(found.is_some(), "{name} breaks {breaks:?}, and no check detects it");
        println!("{name}: seed {found:?}, {:.1?}", begun.elapsed());
    }
}

fn production() -> MakeWriter {
    writer!(crate::chaos::production)
}

/// Tries so many seeds from the first on, on all processors; returns the lowest that passes.
pub(crate) fn find(first: u64, count: u64, passes: impl Fn(u64) -> bool + Sync) -> Option<u64> {
    let (next, found) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count || at > found.load(Ordering::Relaxed) {
                        return;
                    }
                    if passes(first.wrapping_add(at)) {
                        found.fetch_min(at, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let found = found.into_inner();
    (found < count).then(|| first.wrapping_add(found))
}

/// Panics with the shortened history of a run that breaks a rule.
fn expect_no_violation(seed: u64) {
    let plan = Plan::of(seed);
    let outcome = run(&plan, production());
    let Some(violation) = outcome.violations.first() else { return };
    let shorter = shrink::shorten(&plan, production(), violation.rule);
    let left = run(&shorter, production());
    let mut text = format!("SIMULATION_SEED={seed}: {:#?}\nshortened: {:#?}\n", outcome.violations, left.violations);
    for event in &left.history {
        let _ = writeln!(text, "{event}");
    }
    panic!("{text}");
}
