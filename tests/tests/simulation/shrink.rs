//! Shortens a run that breaks a rule, so that its history can be read.

use crate::chaos::check::Rule;
use crate::chaos::writer::MakeWriter;
use crate::plan::Plan;
use crate::run::run;

/// Number of runs that shortening takes at most.
const MAX_RUNS: usize = 300;

/// Leaves out steps, and then whole kinds of faults, while the run still breaks the rule. The history of what is left is another
/// one, since one step less moves all others; how often it has to be tried is bounded.
pub(crate) fn shorten(plan: &Plan, make: MakeWriter, rule: Rule) -> Plan {
    let mut runs = 0;
    let mut breaks = |plan: &Plan| {
        runs += 1;
        runs <= MAX_RUNS && run(plan, make).violations.iter().any(|violation| violation.rule == rule)
    };
    let mut best = plan.clone();
    let mut size = best.steps.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < best.steps.len() {
            let mut shorter = best.clone();
            shorter.steps.drain(at..(at + size).min(best.steps.len()));
            if breaks(&shorter) {
                best = shorter;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    for fault in 0..best.faults.levels().len() {
        let mut calmer = best.clone();
        *calmer.faults.levels()[fault] = 0.0;
        if breaks(&calmer) {
            best = calmer;
        }
    }
    best
}
