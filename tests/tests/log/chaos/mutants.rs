//! Tests the checks: they detect every mutant of the code that appends.

use super::check::Rule;
use super::run;
use super::writer::{MakeWriter, writer};

/// Number of runs in which a mutant has to be detected. Most are detected in the first, the rarest in every fourth: the limit
/// leaves less than one failure by chance in a million.
const MAX_SEEDS: u64 = 60;

/// A store with one thing broken.
struct Mutant {
    name: &'static str,
    make: MakeWriter,
    breaks: Rule,
}

macro_rules! mutant {
    ($name:ident, $breaks:ident) => {
        Mutant { name: stringify!($name), make: writer!(crate::chaos::mutants::$name), breaks: Rule::$breaks }
    };
}

include!(concat!(env!("OUT_DIR"), "/mutants.rs"));

#[tokio::test(flavor = "multi_thread")]
async fn every_mutant_is_detected() {
    for Mutant { name, make, breaks } in &MUTANTS {
        let mut seed = 0;
        while !run(*make, seed).await.iter().any(|violation| violation.rule == *breaks) {
            seed += 1;
            assert!(seed < MAX_SEEDS, "{name} breaks {breaks:?}, and no check detects it");
        }
    }
}
