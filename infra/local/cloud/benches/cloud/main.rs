//! The overhead of the local cloud: `cargo bench -p local-cloud`, or `… -- connections` for a part of it.
//!
//! Prints counts, times and ratios, and asserts none of them; but every echo must be the message and every push must arrive,
//! and the first that does not ends the bench. The cloud is the command itself, in a process of its own. Client and cloud share
//! the machine, so times are those of a laptop that runs both.
//!
//! `cargo test --benches` runs each part with a handful, to see that it works.

mod bare;
mod cloud;
mod connections;
mod dynamodb;
mod figures;
mod http;
mod invocations;
mod process;
mod socket;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use cloud::Cloud;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Warm and cold, each way.
    Invocations,
    /// Connections are opened, echo, and receive pushes.
    Connections,
    /// The gate and the tables.
    Dynamodb,
}

#[derive(Debug, Parser)]
struct Arguments {
    /// The parts to measure; all by default.
    parts: Vec<Part>,
    /// WebSocket connections to hold.
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// Number of invocations of each kind.
    #[arg(long, default_value_t = 4_000)]
    invocations: usize,
    /// The flag that `cargo bench` adds and `cargo test` does not.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    if !arguments.bench {
        (arguments.connections, arguments.invocations) = (20, 20);
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
    let files = rlimit::increase_nofile_limit(u64::MAX)?;
    let asked = |part| arguments.parts.is_empty() || arguments.parts.contains(&part);
    println!("\n{} cores, {files} open files per process\n", std::thread::available_parallelism()?);
    if asked(Part::Dynamodb) {
        dynamodb::gate(arguments.invocations).await?;
        dynamodb::conditional_puts(arguments.invocations).await?;
    }
    if asked(Part::Invocations) {
        let cloud = Cloud::start().await?;
        invocations::warm(&cloud, arguments.invocations).await?;
        invocations::cold(&cloud, arguments.invocations.div_ceil(100)).await?;
        cloud.stop().await?;
    }
    if asked(Part::Connections) {
        let cloud = Cloud::start().await?;
        connections::measure(&cloud, arguments.connections).await?;
        cloud.stop().await?;
    }
    Ok(())
}
