//! The check can fail: every mutant of the code that appends is found out.

use super::check::Rule;
use super::run;
use super::writer::{MakeWriter, writer};

/// Conversations that a mutant may get through before it has to be found out. Most are in the first.
const CHANCES: u64 = 20;

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
        while !run(*make, seed).await.iter().any(|finding| finding.rule == *breaks) {
            seed += 1;
            assert!(seed < CHANCES, "{name} breaks {breaks:?}, and nobody notices");
        }
    }
}
