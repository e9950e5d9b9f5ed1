//! `cargo local`: see [`local_cloud::cli`].

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Saves a tenth of the local cloud's processor time: requests are many small pieces of memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    local_cloud::cli::run().await
}
