//! The command: options, what it prints, and when it stops.

mod arguments;
mod banner;
mod bench;
mod cost;
mod demo;
mod page;
mod status;
mod template;
mod terminal;
mod token;
mod workspace;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
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
use arguments::{Arguments, Command, DatabaseUrlError};
use bench::BenchError;
use cost::CostError;
use page::Page;
use template::NoTemplate;
use terminal::Terminal;
use token::TokenError;

/// Runs the command until it is stopped: by Ctrl-C, SIGTERM or, if asked for, the end of standard input. The exit
/// code is 0 for these, 1 when something fails, with a sentence on standard error.
pub async fn run() -> ExitCode {
    match execute(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(mut arguments: Arguments) -> Result<(), CommandError> {
    let here = std::env::current_dir().map_err(CommandError::WorkingDirectory)?;
    let template = template::find(arguments.template.take(), &here);
    match arguments.command.take() {
        Some(Command::Bench { arguments: given }) => {
            // A workspace can have a bench without a template.
            let folder = template.ok().and_then(|file| file.parent().map(Path::to_owned)).unwrap_or_default();
            match bench::run(&folder, &given)? {}
        }
        Some(Command::Cost { arguments: given }) => {
            let folder = template?.parent().map(Path::to_owned).unwrap_or_default();
            write!(io::stdout(), "{}", cost::estimate(&folder, &given)?).map_err(CommandError::Print)
        }
        Some(Command::Token { user, expires_in }) => {
            let file = match arguments.endpoints.take() {
                Some(file) => file,
                None => arguments::local_folder(&template?).join(ENDPOINTS),
            };
            let token = token::issue(&file, &user, expires_in).await?;
            writeln!(io::stdout(), "{token}").map_err(CommandError::Print)
        }
        None => {
            let (template, terminal, feed) = (template?, Terminal::default(), arguments.ui.then(LogFeed::default));
            log_to(terminal.clone(), feed.clone());
            open_files::raise_limit();
            serve(arguments, template, terminal, feed).await
        }
    }
}

/// Name of the file with the URLs of all services.
const ENDPOINTS: &str = "endpoints.json";

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
    #[error(transparent)]
    Template(#[from] NoTemplate),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Cost(#[from] CostError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    DatabaseUrl(#[from] DatabaseUrlError),
    #[error("cannot find out the working directory: {0}")]
    WorkingDirectory(io::Error),
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
    #[error("another local cloud writes {}: stop it, or give this one its own `--endpoints`, `--data-dir` and ports", .0.display())]
    Claimed(PathBuf),
    #[error("cannot write {}: {source}", file.display())]
    Endpoints { file: PathBuf, source: io::Error },
    #[error("cannot print: {0}")]
    Print(io::Error),
}

async fn serve(
    arguments: Arguments,
    template: PathBuf,
    terminal: Terminal,
    feed: Option<LogFeed>,
) -> Result<(), CommandError> {
    let begun = Instant::now();
    let stop = stop_signal::listen(arguments.stop_on_stdin_eof).map_err(CommandError::Signals)?;
    let local = arguments::local_folder(&template);
    let path = arguments.endpoints.clone().unwrap_or_else(|| local.join(ENDPOINTS));
    let (meter, per) = (arguments.meter, arguments.per.clone());
    let page = arguments.serves_page().then(|| Page::begin(&template, &local));
    let (web_port, demo) = (arguments.web_port, arguments.demo.then(|| template.clone()));
    let live = !arguments.no_status && io::stdout().is_terminal() && io::stderr().is_terminal();
    let mut options = arguments.options(template, local, LogSink::new(terminal.clone()))?;
    let file = EndpointsFile::claim(&path).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => CommandError::Claimed(path.clone()),
        _ => CommandError::Endpoints { file: path.clone(), source },
    })?;
    let environment = file.environment();
    let data = options.data_dir.clone();
    (options.environment, options.ui) = (Some(environment.clone()), feed);
    let mut cloud = match Cloud::start(options, &stop).await {
        Ok(cloud) => cloud,
        Err(StartError::Interrupted) => {
            return writeln!(io::stdout(), "Stopped before it was ready.").map_err(CommandError::Print);
        }
        Err(error) => return Err(error.into()),
    };
    let written =
        file.write(cloud.endpoints()).map_err(|source| CommandError::Endpoints { file: path.clone(), source });
    let page = match page {
        Some(page) => page.serve(web_port, cloud.endpoints()).await,
        None => None,
    };
    let page_line = page.as_ref().map(|page| page.line.as_str());
    let printed = |()| banner::print(&cloud, page_line, &environment, begun.elapsed()).map_err(CommandError::Print);
    let ended = match written.and_then(printed) {
        Ok(()) => {
            let sources = cloud.meter().clone();
            let _demo = demo.map(|template| demo::fill(&template, &path));
            tokio::select! {
                () = stop.cancelled() => Ok(()),
                failure = cloud.failed() => Err(failure.into()),
                never = status::show(&terminal, &sources), if live => match never {},
            }
        }
        failed => failed,
    };
    terminal.clear();
    drop((file, page));
    tracing::info!("stopping");
    let reading = meter.then(|| cloud.meter().read());
    cloud.stop().await;
    let mut printed = Ok(());
    if let Some(reading) = reading {
        printed = write!(io::stdout().lock(), "\n{}", reading.table(per.as_deref()));
    }
    ended.and(printed.and_then(|()| banner::print_end(data.as_deref())).map_err(CommandError::Print))
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
