//! The output of the command once everything runs.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use local_gateway::oidc::TokenRequest;

use crate::Cloud;
use crate::endpoints::ProgramClient;

/// Prints for people where everything is. `page` is the line about the page for browsers, `environment` the file for functions
/// that run elsewhere.
pub(super) fn print(cloud: &Cloud, page: Option<&str>, environment: &Path, took: Duration) -> io::Result<()> {
    let endpoints = cloud.endpoints();
    let mut out = io::stdout().lock();

    let apis = endpoints.apis.iter().map(|(id, url)| (api(id, url), url.as_str()));
    let page = page.map(|line| ("Page for browsers".to_owned(), line));
    section(&mut out, "Your application", &page.into_iter().chain(apis).collect::<Vec<_>>())?;
    let services = endpoints.aws.iter().map(|(id, url)| (service(id).to_owned(), url.as_str()));
    section(&mut out, "AWS services that it uses, for the AWS CLI and SDKs", &services.collect::<Vec<_>>())?;
    let (meter, ui) = (format!("{}/meter", endpoints.control), format!("{}/ui", endpoints.control));
    let environment = environment.display().to_string();
    let mut control = vec![
        ("Control: meter, faults, kill switches".to_owned(), endpoints.control.as_str()),
        ("All counts and costs so far, as JSON".to_owned(), &meter),
        ("Environment of functions that run elsewhere".to_owned(), &environment),
    ];
    let page = if cloud.has_ui() { ui.as_str() } else { "off; `--ui` serves the page" };
    control.insert(0, ("Live figures and logs, in a browser".to_owned(), page));
    section(&mut out, "This local cloud", &control)?;
    // A template without a user pool or client has no tokens to give.
    if cloud.issuer().issue(&TokenRequest::for_user("alice")).is_ok() {
        let tokens = [
            ("For a shell; any user name will do".to_owned(), "alice=$(cargo local token alice)"),
            ("For programs".to_owned(), endpoints.oidc_token.as_str()),
        ];
        section(&mut out, "Access tokens, for `Authorization: Bearer $alice`", &tokens)?;
    }
    let curl = |program: &ProgramClient| {
        let ProgramClient { client_id, client_secret, .. } = program;
        format!("curl {} -u {client_id}:{client_secret} -d grant_type=client_credentials", endpoints.oauth_token)
    };
    let programs: Vec<_> =
        endpoints.programs.iter().map(|program| (program.client_id.clone(), curl(program))).collect();
    let programs: Vec<_> = programs.iter().map(|(id, curl)| (id.clone(), curl.as_str())).collect();
    section(&mut out, "Access tokens of programs", &programs)?;
    writeln!(out, "\nReady in {:.1} s; Ctrl-C stops.", took.as_secs_f32())?;
    out.flush()
}

/// Prints that everything has stopped, and where the data is.
pub(super) fn print_end(data_dir: Option<&Path>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match data_dir {
        Some(folder) => writeln!(out, "Stopped. The data is in {}; the next start goes on from it.", folder.display())?,
        None => writeln!(out, "Stopped. Nothing was kept.")?,
    }
    out.flush()
}

fn section(out: &mut impl Write, title: &str, lines: &[(String, &str)]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    lines.iter().try_for_each(|(name, url)| writeln!(out, "  {name:<44} {url}"))
}

fn api(id: &str, url: &str) -> String {
    let kind = if url.starts_with("ws:") { "WebSocket API" } else { "HTTP API" };
    format!("{kind} ({id})")
}

/// Returns the usual name of the AWS service that the SDKs know by this id.
fn service(id: &str) -> &str {
    match id {
        "apigatewaymanagementapi" => "API Gateway @connections (posts to sockets)",
        "dynamodb" => "DynamoDB",
        "lambda" => "Lambda (Invoke API)",
        "rds-data" => "RDS Data API (SQL of the Aurora cluster)",
        "s3" => "S3",
        "secretsmanager" => "Secrets Manager",
        "sqs" => "SQS",
        other => other,
    }
}
