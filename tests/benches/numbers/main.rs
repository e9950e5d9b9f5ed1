//! The numbers of Palaver: `cargo local bench`, `cargo local bench --quick`, or `cargo local bench delivery` for a part of it.
//!
//! Prints tables, and writes them with plots to `target/bench`. Asserts no time; but an accepted message must be in the log at
//! the seq that its sender received, and a failure ends the bench. Everything of ours, the local cloud included, is built with
//! the profile `bench`: optimised like `release`, without link-time optimisation, which would take two cores an hour. Clients,
//! cloud, functions and database share the machine. All traffic stays on loopback.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people, of counts far below 2^52"
)]

mod capacity;
mod ceiling;
mod cold_start;
mod connection;
mod cpu;
mod delivery;
mod files;
mod history;
mod load;
mod machine;
mod measure;
mod meter;
mod participants;
mod peers;
mod plot;
mod report;
mod table;
mod times;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use end_to_end::Cloud;
use end_to_end::cloud::{Setup, root};

use machine::Machine;
use measure::Length;
use report::Report;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The cargo profile of everything that is measured.
const PROFILE: &str = "bench";

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Latency and cost of a message, in conversations of all sizes.
    Delivery,
    /// Most messages a second.
    Capacity,
    /// The same with more and more history.
    History,
    /// One conversation with many concurrent senders.
    Ceiling,
    /// Cold starts beside a hello world.
    ColdStart,
    /// Files: announced, and uploaded until they are ready.
    Files,
}

#[derive(Debug, Parser)]
#[command(name = "cargo local bench", bin_name = "cargo local bench")]
struct Arguments {
    /// The parts to measure; all by default.
    parts: Vec<Part>,
    /// Measure for a shorter time, without the largest group and the longest histories.
    #[arg(long)]
    quick: bool,
    /// The flag that `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !arguments.bench {
        println!("nothing is measured in a test; `cargo local bench` is the way");
        return ExitCode::SUCCESS;
    }
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let asked = |part| arguments.parts.is_empty() || arguments.parts.contains(&part);
    let quick = arguments.quick;
    let length = |warm_up: u64, measured: u64| {
        let measured = if quick { measured.div_ceil(4) } else { measured };
        Length { warm_up: Duration::from_secs(warm_up), measured: Duration::from_secs(measured) }
    };
    let machine = Machine::inspect();
    let limits = ["--parameter", "FloodLimit=0", "--unthrottled", "--no-status"];
    // Blocks this thread, which has nothing else to do yet.
    let cloud = Cloud::with(Setup { profile: Some(PROFILE), arguments: &limits, ..Setup::default() });
    let begun = Instant::now();
    let mut report = Report::new(root().join("target/bench"))?;
    report.add_text(&format!("{machine}. Profile `{PROFILE}`{}.", if quick { ", quick form" } else { "" }))?;
    let (mut latencies, mut capacity) = (None, None);
    if asked(Part::Delivery) {
        latencies = Some(delivery::run(&cloud, length(3, 20), quick, &mut report).await?);
    }
    if asked(Part::Capacity) {
        capacity = Some(capacity::run(&cloud, length(5, 15), &mut report).await?);
    }
    if asked(Part::History) {
        history::run(&cloud, length(1, 5), quick, &mut report).await?;
    }
    if asked(Part::Ceiling) {
        ceiling::run(&cloud, Duration::from_secs(if quick { 1 } else { 4 }), &mut report).await?;
    }
    if asked(Part::ColdStart) {
        cold_start::run(&cloud, if quick { 5 } else { 20 }, &mut report).await?;
    }
    if asked(Part::Files) {
        files::run(&cloud, quick, &mut report).await?;
    }
    if latencies.is_some() || capacity.is_some() {
        peers::compare(latencies, capacity, &mut report)?;
    }
    cloud.stop();
    let load = Machine::inspect();
    report.add_text(&format!("Took {} s; load average {} at the end.", begun.elapsed().as_secs(), load.load()))
}
