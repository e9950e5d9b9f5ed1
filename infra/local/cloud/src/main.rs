//! `cargo local`: see [`local_cloud::cli`].

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    local_cloud::cli::run().await
}
