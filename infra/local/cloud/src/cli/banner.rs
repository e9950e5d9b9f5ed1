//! The output of the command once everything runs.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use local_gateway::oidc::TokenRequest;

use crate::Cloud;

/// Users that get a token at every start, so that a first request is one copy and paste away.
const USERS: [&str; 2] = ["alice", "bob"];

/// Prints for people where everything is. `environment` is the file for functions that run elsewhere.
pub(super) fn print(cloud: &Cloud, environment: &Path, took: Duration) -> io::Result<()> {
    let endpoints = cloud.endpoints();
    let mut out = io::stdout().lock();

    let apis = endpoints.apis.iter().map(|(id, url)| (api(id, url), url.as_str()));
    section(&mut out, "Your application", &apis.collect::<Vec<_>>())?;
    let services = endpoints.aws.iter().map(|(id, url)| (service(id).to_owned(), url.as_str()));
    section(&mut out, "AWS services that it uses, for the AWS CLI and SDKs", &services.collect::<Vec<_>>())?;
    let (meter, ui) = (format!("{}/meter", endpoints.control), format!("{}/ui", endpoints.control));
    let environment = environment.display().to_string();
    let mut control = vec![
        ("Control: meter, faults, kill switches".to_owned(), endpoints.control.as_str()),
        ("All counts and costs so far, as JSON".to_owned(), &meter),
        ("Environment of functions that run elsewhere".to_owned(), &environment),
    ];
    if cloud.has_ui() {
        control.insert(0, ("Live figures and logs, in a browser".to_owned(), &ui));
    }
    section(&mut out, "This local cloud", &control)?;
    print_tokens(&mut out, cloud)?;
    writeln!(out, "\nReady in {:.1} s; Ctrl-C stops.", took.as_secs_f32())?;
    out.flush()
}

fn section(out: &mut impl Write, title: &str, lines: &[(String, &str)]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    lines.iter().try_for_each(|(name, url)| writeln!(out, "  {name:<44} {url}"))
}

fn print_tokens(out: &mut impl Write, cloud: &Cloud) -> io::Result<()> {
    let mut tokens = Vec::new();
    for user in USERS {
        match cloud.issuer().issue(&TokenRequest::for_user(user)) {
            Ok(token) => tokens.push((user, token.access_token)),
            // A template without a user pool or client has no tokens to give.
            Err(error) => tracing::debug!(%error, "no token for {user}"),
        }
    }
    if tokens.is_empty() {
        return Ok(());
    }
    let users = USERS.join(" and ");
    writeln!(out, "\nAccess tokens of {users}, to paste into a shell and use as `Authorization: Bearer $alice`")?;
    for (user, token) in tokens {
        writeln!(out, "{user}={token}")?;
    }
    let issuer = &cloud.endpoints().oidc_token;
    writeln!(out, "For any other user: curl {issuer} --json '{{\"username\": \"carol\"}}'")
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
        "sqs" => "SQS",
        other => other,
    }
}
