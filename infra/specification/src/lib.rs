//! The specifications of both APIs, out of the types of the protocol: `docs/openapi.yaml` and `docs/asyncapi.yaml`.
//!
//! `cargo run -p specification` writes them. The tests of this crate fail while they are stale, and hold them against the template,
//! the functions and `docs/protocol.md`.

pub mod asyncapi;
mod examples;
pub mod openapi;
mod schemas;
mod shape;
mod yaml;

use std::path::Path;

pub use schemas::codes;

/// Version of the protocol, as the paths have it.
pub const VERSION: &str = "1";

/// The specifications: names below the top folder, and texts.
pub fn files() -> Vec<(&'static str, String)> {
    vec![
        ("docs/openapi.yaml", yaml::text(&openapi::document())),
        ("docs/asyncapi.yaml", yaml::text(&asyncapi::document())),
    ]
}

/// The top of the checkout.
///
/// # Panics
///
/// Never where this crate lies in it.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies two folders deep")
}
