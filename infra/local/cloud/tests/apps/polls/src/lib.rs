//! Polls with live results: people create a poll and vote over HTTP, votes are counted from a queue, and everybody who
//! listens on the WebSocket sees the counts change. The front page follows the polls' table, and a poll that has closed, by
//! hand or by the clock, leaves its result in a bucket.

mod front_page;
mod listeners;
mod polls;
mod results;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::Error;

pub use front_page::FrontPage;
pub use listeners::Listeners;
pub use polls::Polls;
pub use results::{Results, poll_of};

/// Attributes of one item of a table.
pub type Item = HashMap<String, AttributeValue>;

/// The SDKs' configuration, from the function's environment.
pub async fn aws_config() -> aws_config::SdkConfig {
    let tls =
        aws_smithy_http_client::tls::Provider::Rustls(aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring);
    let client = aws_smithy_http_client::Builder::new().tls_provider(tls).build_https();
    aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(client).load().await
}

/// A variable that the template sets.
pub fn variable(name: &str) -> Result<String, Error> {
    std::env::var(name).map_err(|error| format!("{name}: {error}").into())
}
