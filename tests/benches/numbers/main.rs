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

mod archive;
mod capacity;
mod ceiling;
mod cold_start;
mod connection;
mod cpu;
mod delivery;
mod disk;
mod files;
mod growth;
mod history;
mod import;
mod load;
mod machine;
mod measure;
mod meter;
mod modes;
mod participants;
mod peers;
mod plot;
mod report;
mod search;
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

/// Arguments of a cloud that refuses nothing.
const UNLIMITED: [&str; 4] = ["--parameter", "FloodLimit=0", "--unthrottled", "--no-status"];

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
    /// The search for messages: indexed, searched, and found after they were sent.
    Search,
    /// The archive: how fast a long conversation moves there, and pages of it with every message compared.
    Archive,
    /// Requests before and after the stack has grown: a very long conversation, and very many others.
    Growth,
    /// An import: messages a second, and its cost, of young messages and of old ones.
    Import,
    /// Tables in memory and on disk, one invocation at a time in a process and several, single messages and batches.
    Modes,
}

#[derive(Debug, Parser)]
#[command(name = "cargo local bench", bin_name = "cargo local bench")]
struct Arguments {
    /// The parts to measure; all by default.
    parts: Vec<Part>,
    /// Measure for a shorter time, without the largest group and the longest histories.
    #[arg(long)]
    quick: bool,
    /// Invocations that a process runs at once, in the part `modes`.
    #[arg(long, default_value_t = 32)]
    concurrency: u32,
    /// Messages in the part `search`; a tenth where it has to be quick.
    #[arg(long, default_value_t = 50_000)]
    messages: u64,
    /// Items of the conversation in the part `archive`; a tenth where it has to be quick, and at least 3,000.
    #[arg(long, default_value_t = 20_000)]
    archive_items: u64,
    /// Items of the long conversation in the part `growth`; a tenth where it has to be quick.
    #[arg(long, default_value_t = 100_000)]
    growth_items: u64,
    /// Other conversations in the part `growth`; a tenth where it has to be quick.
    #[arg(long, default_value_t = 2_000)]
    growth_conversations: u64,
    /// Messages of each import in the part `import`; a tenth where it has to be quick.
    #[arg(long, default_value_t = 100_000)]
    import_messages: u64,
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
    let machine = Machine::inspect();
    let begun = Instant::now();
    let mut report = Report::new(root().join("target/bench"))?;
    let form = if arguments.quick { ", quick form" } else { "" };
    report.add_text(&format!("{machine}. Profile `{PROFILE}`{form}."))?;
    let has_own_clouds =
        |part: &Part| matches!(part, Part::Search | Part::Archive | Part::Growth | Part::Import | Part::Modes);
    if Part::value_variants().iter().any(|part| !has_own_clouds(part) && arguments.asks_for(*part)) {
        run_on_one_cloud(arguments, &mut report).await?;
    }
    if arguments.asks_for(Part::Search) {
        let messages = if arguments.quick { arguments.messages / 10 } else { arguments.messages };
        search::run(messages.max(1), &mut report).await?;
    }
    if arguments.asks_for(Part::Archive) {
        let items = if arguments.quick { arguments.archive_items / 10 } else { arguments.archive_items };
        archive::run(items.max(3_000), &mut report).await?;
    }
    if arguments.asks_for(Part::Growth) {
        let divisor = if arguments.quick { 10 } else { 1 };
        let (items, conversations) = (arguments.growth_items / divisor, arguments.growth_conversations / divisor);
        growth::run(items.max(3_000), conversations, &mut report).await?;
    }
    if arguments.asks_for(Part::Import) {
        let divisor = if arguments.quick { 10 } else { 1 };
        import::run((arguments.import_messages / divisor).max(1), &mut report).await?;
    }
    if arguments.asks_for(Part::Modes) {
        modes::run(arguments.concurrency, arguments.length(3, 12), &mut report).await?;
    }
    let load = Machine::inspect();
    report.add_text(&format!("Took {} s; load average {} at the end.", begun.elapsed().as_secs(), load.load()))
}

impl Arguments {
    fn asks_for(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    /// Returns the seconds of a warm-up and of a measurement, which is shorter where it has to be quick.
    fn length(&self, warm_up: u64, measured: u64) -> Length {
        let measured = if self.quick { measured.div_ceil(4) } else { measured };
        Length { warm_up: Duration::from_secs(warm_up), measured: Duration::from_secs(measured) }
    }
}

/// The parts that need no particular cloud.
async fn run_on_one_cloud(arguments: &Arguments, report: &mut Report) -> Result<(), Failure> {
    let asked = |part| arguments.asks_for(part);
    let quick = arguments.quick;
    // Blocks this thread, which has nothing else to do yet.
    let cloud = Cloud::with(Setup { profile: Some(PROFILE), arguments: &UNLIMITED, ..Setup::default() });
    let (mut latencies, mut capacity) = (None, None);
    if asked(Part::Delivery) {
        latencies = Some(delivery::run(&cloud, arguments.length(3, 20), quick, report).await?);
    }
    if asked(Part::Capacity) {
        capacity = Some(capacity::run(&cloud, arguments.length(5, 15), report).await?);
    }
    if asked(Part::History) {
        history::run(&cloud, arguments.length(1, 5), quick, report).await?;
    }
    if asked(Part::Ceiling) {
        ceiling::run(&cloud, Duration::from_secs(if quick { 1 } else { 4 }), report).await?;
    }
    if asked(Part::ColdStart) {
        cold_start::run(&cloud, if quick { 5 } else { 20 }, report).await?;
    }
    if asked(Part::Files) {
        files::run(&cloud, quick, report).await?;
    }
    if latencies.is_some() || capacity.is_some() {
        peers::compare(latencies, capacity, report)?;
    }
    cloud.stop();
    Ok(())
}
