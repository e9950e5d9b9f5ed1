//! The command: options, what it prints, and when it stops.

mod arguments;
mod banner;
mod bench;
mod status;
mod terminal;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use local_lambda::LogSink;
use local_lambda::log_feed::LogFeed;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::endpoints::EndpointsFile;
use crate::{Cloud, StartError, open_files, stop_signal};
use arguments::{Arguments, Command};
use terminal::Terminal;

/// Runs the command until it is stopped: by Ctrl-C, SIGTERM or, if asked for, the end of standard input. The exit
/// code is 0 for these, 1 when something fails, with a sentence on standard error.
pub async fn run() -> ExitCode {
    let (mut arguments, terminal) = (Arguments::parse(), Terminal::default());
    if let Some(Command::Bench { arguments: given }) = arguments.command.take() {
        let Err(error) = bench::run(arguments.folder(), &given);
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    let feed = arguments.ui.then(LogFeed::default);
    log_to(terminal.clone(), feed.clone());
    open_files::raise_limit();
    match serve(arguments, terminal, feed).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Level of the log unless `RUST_LOG` is set. Targets are compared by their beginning: `local_` is every crate of the local cloud.
const DEFAULT_LOG: &str = "warn,local_=info";

/// Sends the cloud's own log to the terminal and to the page.
fn log_to(terminal: Terminal, feed: Option<LogFeed>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    let colours = io::stderr().is_terminal();
    let above = fmt::layer().with_target(false).without_time().with_ansi(colours).with_writer(move || terminal.clone());
    let page = feed.map(|feed| {
        let writer = move || feed.writer("local-cloud");
        fmt::layer().with_target(false).without_time().with_ansi(false).with_writer(writer)
    });
    tracing_subscriber::registry().with(filter).with(above).with(page).init();
}

#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Service(#[from] crate::ServiceError),
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
    #[error("another local cloud writes {}: stop it, or give this one its own `--endpoints`, `--data-dir` and ports", .0.display())]
    Claimed(PathBuf),
    #[error("cannot write {}: {source}", file.display())]
    Endpoints { file: PathBuf, source: io::Error },
    #[error("cannot print: {0}")]
    Print(io::Error),
}

async fn serve(arguments: Arguments, terminal: Terminal, feed: Option<LogFeed>) -> Result<(), CommandError> {
    let begun = Instant::now();
    let stop = stop_signal::listen(arguments.stop_on_stdin_eof).map_err(CommandError::Signals)?;
    let local = arguments.local_folder();
    let path = arguments.endpoints.clone().unwrap_or_else(|| local.join("endpoints.json"));
    let file = EndpointsFile::claim(&path).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => CommandError::Claimed(path.clone()),
        _ => CommandError::Endpoints { file: path.clone(), source },
    })?;
    let (meter, per) = (arguments.meter, arguments.per.clone());
    let live = !arguments.no_status && io::stdout().is_terminal() && io::stderr().is_terminal();
    let environment = file.environment();
    let mut options = arguments.options(local, LogSink::new(terminal.clone()));
    (options.environment, options.ui) = (Some(environment.clone()), feed);
    let mut cloud = match Cloud::start(options, &stop).await {
        Ok(cloud) => cloud,
        Err(StartError::Interrupted) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let written = file.write(cloud.endpoints()).map_err(|source| CommandError::Endpoints { file: path, source });
    let printed = |()| banner::print(&cloud, &environment, begun.elapsed()).map_err(CommandError::Print);
    let ended = match written.and_then(printed) {
        Ok(()) => {
            let sources = cloud.meter().clone();
            tokio::select! {
                () = stop.cancelled() => Ok(()),
                failure = cloud.failed() => Err(failure.into()),
                never = status::show(&terminal, &sources), if live => match never {},
            }
        }
        failed => failed,
    };
    terminal.clear();
    drop(file);
    tracing::info!("stopping");
    let reading = meter.then(|| cloud.meter().read());
    cloud.stop().await;
    if let Some(reading) = reading {
        let printed = write!(io::stdout().lock(), "\n{}", reading.table(per.as_deref()));
        return ended.and(printed.map_err(CommandError::Print));
    }
    ended
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn every_crate_of_the_local_cloud_logs_information_and_others_warnings() {
        let log = tracing_subscriber::registry().with(EnvFilter::new(DEFAULT_LOG));
        tracing::subscriber::with_default(log, || {
            assert!(tracing::enabled!(target: "local_cloud::cloud", Level::INFO));
            assert!(tracing::enabled!(target: "local_lambda::watch", Level::INFO));
            assert!(!tracing::enabled!(target: "local_lambda::watch", Level::DEBUG));
            assert!(!tracing::enabled!(target: "hyper", Level::INFO));
            assert!(tracing::enabled!(target: "hyper", Level::WARN));
        });
    }
}
