//! Arguments of `cargo local`.

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Parser, Subcommand};
use local_aurora::Database;
use local_lambda::build::{Profile, Progress};
use local_lambda::{InvokeEndpoint, LogSink};

use crate::{Options, Ports};

/// Runs a SAM application on this machine: Lambda, API Gateway (HTTP and WebSocket), DynamoDB, SQS, S3, Aurora's Data API
/// and an issuer of tokens, all on loopback.
#[derive(Debug, Parser)]
#[command(name = "cargo local", bin_name = "cargo local", version, args_override_self = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// Path of the SAM template [default: `template.yaml` in this folder or the nearest one above].
    #[arg(long, value_name = "FILE")]
    pub(super) template: Option<PathBuf>,
    /// A parameter of the template, over its default. May be repeated.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Stop when standard input is closed, for example because the parent process ended.
    #[arg(long)]
    pub(super) stop_on_stdin_eof: bool,

    /// Build the functions again when a source changes, and run the binary that was built last.
    #[arg(long, conflicts_with = "lambda_endpoint", help_heading = "Functions")]
    watch: bool,
    /// Build the functions with the release profile, as for a deployment. This takes longer.
    #[arg(long, help_heading = "Functions")]
    release: bool,
    /// Build the functions with this profile of cargo's [default: dev].
    #[arg(long, value_name = "NAME", conflicts_with_all = ["release", "lambda_endpoint"], help_heading = "Functions")]
    profile: Option<String>,
    /// An Invoke API that runs the functions: `cargo lambda watch`, `sam local start-lambda`, another local cloud. Nothing is
    /// built, and the functions have the environment that they are given there: `endpoints.env`, beside `endpoints.json`, has
    /// what they need, for a shell to source.
    #[arg(long, value_name = "URL", conflicts_with = "release", help_heading = "Functions")]
    lambda_endpoint: Option<InvokeEndpoint>,
    /// Run up to so many invocations of a function at once in one process, as with a capacity provider of Lambda Managed Instances:
    /// all functions that have none in the template. 1: none but those.
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..=1600),
        conflicts_with = "lambda_endpoint",
        help_heading = "Functions"
    )]
    concurrency: Option<u32>,

    /// Do not apply API Gateway's quotas per account: 10,000 requests and 500 WebSocket connections a second. Limits that
    /// the template sets for routes still apply.
    #[arg(long, help_heading = "API Gateway")]
    unthrottled: bool,
    /// Seconds without a frame after which a WebSocket connection is closed. AWS: 10 minutes.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, help_heading = "API Gateway")]
    websocket_idle: u64,
    /// Seconds after which every WebSocket connection is closed. AWS: 2 hours.
    #[arg(long, value_name = "SECONDS", default_value_t = 7200, help_heading = "API Gateway")]
    websocket_lifetime: u64,
    /// Seconds until an access token expires, in the place of `AccessTokenValidity` of the template's user pool clients. Cognito:
    /// from five minutes to a day, an hour unless set.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Tokens")]
    token_lifetime: Option<u64>,

    /// Keep no data: tables, queues, databases and the issuer's key are deleted when the cloud stops.
    #[arg(long, conflicts_with = "data_dir", help_heading = "Data")]
    ephemeral: bool,
    /// Fill the cloud with the demonstration that the workspace's Cargo.toml names, as a command and its arguments: `demo = […]` in
    /// `[workspace.metadata.local-cloud]`.
    #[arg(long, help_heading = "Data")]
    pub(super) demo: bool,
    /// Folder for data [default: `target/local` beside the template].
    #[arg(long, value_name = "FOLDER", help_heading = "Data")]
    data_dir: Option<PathBuf>,
    /// A running PostgreSQL to use instead of starting one, as `postgres://user:password@host:port/database`.
    // Read later: an error of clap's would show the password.
    #[arg(long, value_name = "URL", help_heading = "Data")]
    database_url: Option<String>,

    /// Serve a page with live figures and logs, for a browser; its URL is printed.
    #[arg(long, help_heading = "Output")]
    pub(super) ui: bool,
    /// Show Lambda's START, END and REPORT lines as CloudWatch has them.
    #[arg(long, help_heading = "Output")]
    verbose: bool,
    /// Do not show the status line at the bottom of the terminal.
    #[arg(long, help_heading = "Output")]
    pub(super) no_status: bool,
    /// Print at the end what all services did and what AWS would ask for it, the most expensive first.
    #[arg(long, help_heading = "Output")]
    pub(super) meter: bool,
    /// Append the permissions that the requests of functions need to this file, one JSON object per line: what IAM policies have
    /// to allow.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    permissions: Option<PathBuf>,
    /// Append the permissions that functions lacked to this file, one JSON object per line. It is made with the first of them.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    denials: Option<PathBuf>,
    /// Add to the meter the price per million invocations of this function: the whole bill, divided by their number. It is
    /// what one use costs with all that follows from it, while nothing else is done.
    #[arg(long, value_name = "FUNCTION", requires = "meter", help_heading = "Output")]
    pub(super) per: Option<String>,

    /// Build and serve the page for browsers although no data is kept.
    #[arg(long, help_heading = "Page for browsers")]
    web: bool,
    /// Do not build and serve the page for browsers.
    #[arg(long, conflicts_with = "web", help_heading = "Page for browsers")]
    no_web: bool,

    /// File for the URLs of all services, written once they are ready [default: `target/local/endpoints.json` beside the
    /// template].
    #[arg(long, value_name = "FILE", help_heading = "Ports (0: any free port)")]
    pub(super) endpoints: Option<PathBuf>,
    /// Port of the page for browsers [default: 3003, or any that is free].
    #[arg(long, value_name = "PORT", help_heading = "Ports (0: any free port)")]
    pub(super) web_port: Option<u16>,
    #[command(flatten)]
    ports: PortArguments,
}

/// Other commands than running the cloud.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the bench that the workspace's Cargo.toml names, as a command and its arguments: `bench = […]` in
    /// `[workspace.metadata.local-cloud]`. Further arguments are passed to it.
    #[command(disable_help_flag = true)]
    Bench {
        #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Print a month's bill at list prices: the uses of the file that the workspace's Cargo.toml names, `cost = …` in
    /// `[workspace.metadata.local-cloud]`. Its parameters are flags; a wrong one lists them. `--units` prints the units of each use.
    #[command(disable_help_flag = true)]
    Cost {
        #[arg(value_name = "PARAMETER", trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Print an access token of a running local cloud for a user: `alice=$(cargo local token alice)`.
    Token {
        /// The user's name, which becomes `sub` and `username`. Any will do: there are no passwords.
        #[arg(value_name = "USER", value_parser = NonEmptyStringValueParser::new())]
        user: String,
        /// Seconds until the token expires; a negative number gives one that has expired [default: as the
        /// template and `--token-lifetime` say].
        #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
        expires_in: Option<i64>,
    },
}

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Ports (0: any free port)")]
#[expect(clippy::struct_field_names, reason = "the names are the flags")]
struct PortArguments {
    /// Port of the HTTP API; of the first one, if there are several.
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    http_port: u16,
    /// Port of the WebSocket API; of the first one, if there are several.
    #[arg(long, value_name = "PORT", default_value_t = 3001)]
    websocket_port: u16,
    /// Port of the issuer of tokens.
    #[arg(long, value_name = "PORT", default_value_t = 3002)]
    oidc_port: u16,
    /// Port of the meter, faults, kill switches and the page of `--ui`.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    control_port: u16,
    /// Port of DynamoDB's API.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    dynamodb_port: u16,
    /// Port of SQS's API.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    sqs_port: u16,
    /// Port of S3's API.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    s3_port: u16,
    /// Port of Aurora's Data API.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    data_api_port: u16,
    /// Port of EventBridge Scheduler's API.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    scheduler_port: u16,
    /// Port of Secrets Manager's API.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    secrets_port: u16,
    /// Port of OpenSearch, where the template has a collection.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    opensearch_port: u16,
    /// Port of Lambda's Invoke API.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    lambda_port: u16,
}

impl From<PortArguments> for Ports {
    fn from(arguments: PortArguments) -> Self {
        Self {
            http: arguments.http_port,
            websocket: arguments.websocket_port,
            oidc: arguments.oidc_port,
            dynamodb: arguments.dynamodb_port,
            sqs: arguments.sqs_port,
            s3: arguments.s3_port,
            data_api: arguments.data_api_port,
            scheduler: arguments.scheduler_port,
            secrets: arguments.secrets_port,
            opensearch: arguments.opensearch_port,
            lambda: arguments.lambda_port,
            control: arguments.control_port,
        }
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a parameter is NAME=VALUE".to_owned()),
    }
}

/// A connection string that cannot be read. Its text does not repeat the string, which has a password.
#[derive(Debug, thiserror::Error)]
#[error("`--database-url` cannot be read: {0}; it has the form postgres://user:password@host:port/database")]
pub(super) struct DatabaseUrlError(String);

impl Arguments {
    /// Returns true if the page for browsers is wanted. Clouds that keep nothing belong to tests, mostly.
    pub(super) fn serves_page(&self) -> bool {
        self.web || !(self.no_web || self.ephemeral)
    }

    /// Returns the options of the cloud for this template; `local` is its folder below cargo's target folder.
    pub(super) fn options(self, template: PathBuf, local: PathBuf, log: LogSink) -> Result<Options, DatabaseUrlError> {
        let data_dir = self.data_dir.unwrap_or(local);
        let database = self.database_url.map(|url| url.parse::<Database>()).transpose();
        let database = database.map_err(|error| {
            // The kind is in the error, and the reason in its source.
            DatabaseUrlError(error.source().map_or_else(|| error.to_string(), ToString::to_string))
        })?;
        Ok(Options {
            template,
            parameters: self.parameters.into_iter().collect(),
            ports: self.ports.into(),
            data_dir: (!self.ephemeral).then_some(data_dir),
            database,
            lambda_endpoint: self.lambda_endpoint,
            concurrency: self.concurrency.filter(|count| *count > 1),
            unthrottled: self.unthrottled,
            websocket_idle: Duration::from_secs(self.websocket_idle),
            websocket_lifetime: Duration::from_secs(self.websocket_lifetime),
            token_lifetime: self.token_lifetime.map(Duration::from_secs),
            profile: match self.profile {
                Some(name) => Profile::Named(name),
                None if self.release => Profile::Release,
                None => Profile::Dev,
            },
            progress: Progress::Shown,
            log: log.verbose(self.verbose),
            watch: self.watch,
            ui: None,
            environment: None,
            permissions: self.permissions,
            denials: self.denials,
            per: self.per,
        })
    }
}

/// Returns `local` in cargo's target folder, which is beside the template unless `CARGO_TARGET_DIR` says otherwise.
pub(super) fn local_folder(template: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let beside = || template.parent().unwrap_or(Path::new("")).join("target");
    target.unwrap_or_else(beside).join("local")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["cargo local"], arguments].concat())
    }

    fn options(arguments: Arguments) -> Result<Options, DatabaseUrlError> {
        arguments.options("template.yaml".into(), "target/local".into(), LogSink::stderr())
    }

    #[test]
    fn an_unreadable_database_url_is_not_repeated() {
        for url in
            ["postgres://app:hunter2@host:port/db", "postgres:/app:hunter2", "password=hunter2 nonsense", "hunter2"]
        {
            let error = options(parse(&["--database-url", url]).unwrap()).unwrap_err().to_string();
            assert!(error.starts_with("`--database-url` cannot be read: ") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_token_is_for_somebody() {
        assert!(parse(&["token"]).is_err());
        assert!(parse(&["token", ""]).is_err());
        let Some(Command::Token { user, expires_in }) =
            parse(&["token", "alice", "--expires-in", "-60"]).unwrap().command
        else {
            panic!("no token");
        };
        assert_eq!((user.as_str(), expires_in), ("alice", Some(-60)));
    }

    #[test]
    fn the_defaults() {
        let options = options(parse(&[]).unwrap()).unwrap();
        assert_eq!(options.ports, Ports { http: 3000, websocket: 3001, oidc: 3002, ..Ports::default() });
        assert_eq!(options.data_dir.as_deref(), Some(Path::new("target/local")));
        assert_eq!(options.profile, Profile::Dev);
        assert!(!options.watch);
        assert_eq!(options.concurrency, None);
    }

    #[test]
    fn the_page_is_served_where_data_is_kept_or_when_asked_for() {
        let served = |arguments: &[&str]| parse(arguments).unwrap().serves_page();
        assert!(served(&[]) && served(&["--ephemeral", "--web"]));
        assert!(!served(&["--ephemeral"]) && !served(&["--no-web"]));
        assert!(parse(&["--web", "--no-web"]).is_err());
    }

    #[test]
    fn concurrency_is_a_number_from_one_on() {
        let concurrency =
            |count| parse(&["--concurrency", count]).map(|arguments| options(arguments).unwrap().concurrency);
        assert_eq!((concurrency("8").unwrap(), concurrency("1").unwrap()), (Some(8), None));
        assert!(concurrency("0").is_err());
        assert!(parse(&["--concurrency", "8", "--lambda-endpoint", "http://localhost:9000"]).is_err());
    }

    #[test]
    fn parameters_are_names_and_values() {
        let arguments = parse(&["--parameter", "A=b=c", "--parameter", "D=", "--ephemeral", "--release"]).unwrap();
        let options = options(arguments).unwrap();
        let expected = [("A", "b=c"), ("D", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(options.parameters, expected.into());
        assert_eq!((options.data_dir, options.profile), (None, Profile::Release));
        assert!(parse(&["--parameter", "A"]).is_err());
        assert!(parse(&["--parameter", "=a"]).is_err());
        assert!(parse(&["--ephemeral", "--data-dir", "x"]).is_err());
        assert!(parse(&["--watch", "--lambda-endpoint", "http://localhost:9000"]).is_err());
        assert!(parse(&["--release", "--profile", "bench"]).is_err());
    }

    #[test]
    fn arguments_after_bench_are_passed_to_the_bench() {
        let Some(Command::Bench { arguments }) = parse(&["bench", "--quick", "--help", "x"]).unwrap().command else {
            panic!("no bench");
        };
        assert_eq!(arguments, ["--quick", "--help", "x"]);
    }
}
