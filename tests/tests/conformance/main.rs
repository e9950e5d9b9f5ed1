//! The scenarios of `tests/conformance`, run by the Rust client: what every client of Palaver has to survive.

mod backstage;
mod expectation;
mod player;
mod proxy;
mod scenario;
mod stage;

use std::time::Instant;

use end_to_end::Cloud;
use futures_util::{StreamExt, stream};

use crate::scenario::Scenario;
use crate::stage::Stage;

/// Scenarios that run at once: most of their time is waiting.
const CONCURRENCY: usize = 16;

/// Returns the reason for which the Rust client does not run a scenario.
fn reason_to_skip(scenario: &Scenario) -> Option<&'static str> {
    match scenario.needs.as_slice() {
        [] => None,
        needs if needs.iter().any(|need| need == "tabs") => Some("it has no tabs, whose clients share a connection"),
        _ => Some("it stores nothing, so what was not sent ends with it"),
    }
}

/// Runs a scenario. Returns its failure.
async fn run(cloud: &'static Cloud, scenario: Scenario) -> Option<String> {
    let (file, begun) = (scenario.file.clone(), Instant::now());
    // A step that panics fails its scenario alone.
    let ended = tokio::spawn(async move { Stage::new(cloud, scenario).await.run().await }).await;
    let failure = ended.map_err(|error| error.to_string()).flatten().err();
    println!("{file}: {} in {:.1?}", if failure.is_some() { "failed" } else { "ok" }, begun.elapsed());
    failure.map(|failure| format!("{file}: {failure}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn rust_client_passes_the_scenarios() {
    let mut all = scenario::all();
    all.retain(|scenario| match reason_to_skip(scenario) {
        None => true,
        Some(reason) => {
            println!("{}: skipped by the Rust client: {reason}", scenario.file);
            false
        }
    });
    assert!(all.len() >= 18, "{} scenarios are left", all.len());
    // A fault plan concerns all clients of the cloud.
    let (alone, together): (Vec<_>, Vec<_>) = all.into_iter().partition(Scenario::has_faults);
    let cloud = Cloud::shared();
    let runs = stream::iter(together).map(|scenario| run(cloud, scenario)).buffer_unordered(CONCURRENCY);
    let mut failures: Vec<String> = runs.filter_map(std::future::ready).collect().await;
    for scenario in alone {
        failures.extend(run(cloud, scenario).await);
        cloud.clear_faults().await;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
