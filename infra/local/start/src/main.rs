//! `cargo local`: says what is in the way of the local cloud, then builds and becomes it.
//!
//! The first build of the local cloud takes minutes, and this program, which has no dependencies, a second. The local cloud checks
//! the same again and more; what is not understood here is left to it.

mod obstacles;

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let obstacles = obstacles::find(&arguments);
    if !obstacles.is_empty() {
        eprintln!("error: {}", obstacles.join("\nerror: "));
        return ExitCode::FAILURE;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    // Build scripts that read the variables of a package would run again because of this one's.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cloud/Cargo.toml");
    command.args(["run", "--bin", "local-cloud", "--manifest-path"]).arg(manifest).arg("--").args(arguments);
    // The process itself, so that signals, the terminal and the exit code are the local cloud's own.
    let error = command.exec();
    eprintln!("error: cannot run `{}`: {error}", cargo.display());
    ExitCode::FAILURE
}
