//! The command: options, what it prints, and when it stops.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::aurora::Database;
use crate::endpoints::EndpointsFile;
use crate::lambda::InvokeEndpoint;
use crate::lambda::build::{Profile, Progress};
use crate::oidc::TokenRequest;
use crate::{Cloud, Options, Ports, StartError, open_files, stop_signal};

/// Users that get a token at every start, so that a first request is one copy and paste away.
const USERS: [&str; 2] = ["alice", "bob"];

/// Runs a SAM application on this machine: Lambda, API Gateway (HTTP and WebSocket), DynamoDB, SQS, Aurora's Data API
/// and an issuer of tokens, all on loopback.
#[derive(Debug, Parser)]
#[command(name = "cargo local", version, args_override_self = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Arguments {
    /// The SAM template.
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    template: PathBuf,
    /// A parameter of the template, over its default. May be repeated.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Port of the HTTP API; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    http_port: u16,
    /// Port of the WebSocket API; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 3001)]
    websocket_port: u16,
    /// Port of the issuer of tokens; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 3002)]
    oidc_port: u16,
    /// Keep nothing: tables, queues, databases and the issuer's key are gone when the cloud stops.
    #[arg(long, conflicts_with = "data_dir")]
    ephemeral: bool,
    /// The folder that keeps data [default: `target/local` beside the template].
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// A running PostgreSQL to use instead of starting one, as `postgres://user:password@host:port/database`.
    #[arg(long, value_name = "URL")]
    database_url: Option<Database>,
    /// An Invoke API that runs the functions: `cargo lambda watch`, `sam local start-lambda`, another local cloud. Nothing is
    /// built, and the functions have the environment that they are given there.
    #[arg(long, value_name = "URL", conflicts_with = "release")]
    lambda_endpoint: Option<InvokeEndpoint>,
    /// Where to write the URLs of all services once they are ready [default: `target/local/endpoints.json` beside the
    /// template].
    #[arg(long, value_name = "FILE")]
    endpoints: Option<PathBuf>,
    /// Leave out API Gateway's quotas of an account: 10,000 requests and 500 WebSocket connections a second. Limits that the
    /// template sets for routes hold.
    #[arg(long)]
    unthrottled: bool,
    /// Build the functions as they deploy, which takes longer.
    #[arg(long)]
    release: bool,
    /// Show Lambda's START, END and REPORT lines as CloudWatch has them.
    #[arg(long)]
    verbose: bool,
    /// Print at the end what everything did, and what AWS would ask for it.
    #[arg(long)]
    meter: bool,
    /// With the meter, say what a million invocations of this function would cost, with all that came with them.
    #[arg(long, value_name = "FUNCTION", requires = "meter")]
    per: Option<String>,
    /// Stop when standard input ends: whoever holds the other end takes the cloud along, however it ends.
    #[arg(long)]
    stop_on_stdin_eof: bool,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a parameter is NAME=VALUE".to_owned()),
    }
}

/// Runs the command until it is told to stop: by Ctrl-C, SIGTERM or, if asked for, the end of standard input. The exit
/// code is 0 for these, 1 when something fails, with a sentence on standard error.
pub async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,local_cloud=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .without_time()
        .init();
    open_files::raise_limit();
    match serve(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Service(#[from] crate::ServiceError),
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
    #[error("another local cloud has {}: stop it, or give this one its own `--endpoints`, `--data-dir` and ports", .0.display())]
    Claimed(PathBuf),
    #[error("cannot write {}: {source}", file.display())]
    Endpoints { file: PathBuf, source: io::Error },
    #[error("cannot print: {0}")]
    Print(io::Error),
}

async fn serve(arguments: Arguments) -> Result<(), CommandError> {
    let begun = Instant::now();
    let stop = stop_signal::listen(arguments.stop_on_stdin_eof).map_err(CommandError::Signals)?;
    let local = local_folder(&arguments.template);
    let path = arguments.endpoints.clone().unwrap_or_else(|| local.join("endpoints.json"));
    let file = EndpointsFile::claim(&path).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => CommandError::Claimed(path.clone()),
        _ => CommandError::Endpoints { file: path.clone(), source },
    })?;
    let (meter, per) = (arguments.meter, arguments.per.clone());
    let mut cloud = match Cloud::start(options(arguments, local), &stop).await {
        Ok(cloud) => cloud,
        Err(StartError::Interrupted) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let written = file.write(cloud.endpoints()).map_err(|source| CommandError::Endpoints { file: path, source });
    let ended = match written.and_then(|()| announce(&cloud, begun).map_err(CommandError::Print)) {
        Ok(()) => tokio::select! {
            () = stop.cancelled() => Ok(()),
            failure = cloud.failed() => Err(failure.into()),
        },
        failed => failed,
    };
    drop(file);
    tracing::info!("stopping");
    let reading = meter.then(|| cloud.read_meter());
    cloud.stop().await;
    if let Some(reading) = reading {
        let printed = write!(io::stdout().lock(), "\n{}", reading.table(per.as_deref()));
        return ended.and(printed.map_err(CommandError::Print));
    }
    ended
}

fn options(arguments: Arguments, local: PathBuf) -> Options {
    let data_dir = arguments.data_dir.unwrap_or(local);
    Options {
        template: arguments.template,
        parameters: arguments.parameters.into_iter().collect::<BTreeMap<_, _>>(),
        ports: Ports { http: arguments.http_port, websocket: arguments.websocket_port, oidc: arguments.oidc_port },
        data_dir: (!arguments.ephemeral).then_some(data_dir),
        database: arguments.database_url,
        lambda_endpoint: arguments.lambda_endpoint,
        unthrottled: arguments.unthrottled,
        profile: if arguments.release { Profile::Release } else { Profile::Dev },
        progress: Progress::Shown,
        verbose: arguments.verbose,
    }
}

/// `local` in cargo's target folder, which is beside the template unless `CARGO_TARGET_DIR` says otherwise.
fn local_folder(template: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let beside = || template.parent().unwrap_or(Path::new("")).join("target");
    target.unwrap_or_else(beside).join("local")
}

/// Prints for people where everything is.
fn announce(cloud: &Cloud, begun: Instant) -> io::Result<()> {
    let endpoints = cloud.endpoints();
    let mut lines: Vec<(String, &str)> = Vec::new();
    lines.extend(endpoints.apis.iter().map(|(id, url)| (api(id, url), url.as_str())));
    lines.extend(endpoints.aws.iter().map(|(id, url)| (service(id).to_owned(), url.as_str())));
    lines.push(("Meter, faults and kill switches".to_owned(), &endpoints.control));
    let mut tokens = Vec::new();
    for user in USERS {
        match cloud.issuer().issue(&TokenRequest::for_user(user)) {
            Ok(token) => tokens.push((user, token.access_token)),
            // A template without a user pool or client has no tokens to give.
            Err(error) => tracing::debug!(%error, "no token for {user}"),
        }
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();

    let mut out = io::stdout().lock();
    writeln!(out)?;
    for (name, url) in lines {
        writeln!(out, "{name:<width$}  {url}")?;
    }
    if !tokens.is_empty() {
        writeln!(
            out,
            "\nAccess tokens of {}, to paste into a shell (`Authorization: Bearer $alice`):",
            USERS.join(" and ")
        )?;
        for (user, token) in tokens {
            writeln!(out, "{user}={token}")?;
        }
        writeln!(out, "Tokens of any other user: curl {} --json '{{\"username\": \"carol\"}}'", endpoints.oidc_token)?;
    }
    writeln!(out, "\nReady in {:.1} s; Ctrl-C stops.", begun.elapsed().as_secs_f32())?;
    out.flush()
}

fn api(id: &str, url: &str) -> String {
    let kind = if url.starts_with("ws:") { "WebSocket API" } else { "HTTP API" };
    format!("{kind} ({id})")
}

/// What people call a service of AWS that its SDKs know by this id.
fn service(id: &str) -> &str {
    match id {
        "dynamodb" => "DynamoDB",
        "sqs" => "SQS queues",
        "rds-data" => "Aurora's SQL over HTTP (RDS Data API)",
        "apigatewaymanagementapi" => "Sending to WebSockets (@connections)",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["cargo local"], arguments].concat())
    }

    #[test]
    fn the_defaults() {
        let options = options(parse(&[]).unwrap(), "target/local".into());
        assert_eq!(options.ports, Ports { http: 3000, websocket: 3001, oidc: 3002 });
        assert_eq!(options.data_dir.as_deref(), Some(Path::new("target/local")));
        assert_eq!(options.profile, Profile::Dev);
    }

    #[test]
    fn parameters_are_names_and_values() {
        let arguments = parse(&["--parameter", "A=b=c", "--parameter", "D=", "--ephemeral", "--release"]).unwrap();
        let options = options(arguments, "x".into());
        let expected = [("A", "b=c"), ("D", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(options.parameters, expected.into());
        assert_eq!((options.data_dir, options.profile), (None, Profile::Release));
        assert!(parse(&["--parameter", "A"]).is_err());
        assert!(parse(&["--parameter", "=a"]).is_err());
        assert!(parse(&["--ephemeral", "--data-dir", "x"]).is_err());
    }
}
