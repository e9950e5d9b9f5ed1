//! `cargo local`: says what is in the way of the local cloud, then builds and becomes it.
//!
//! The first build of the local cloud takes minutes, and this program, which has no dependencies, a second. The local cloud checks
//! the same again and more; what is not understood here is left to it.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use local_start::{obstacles, progress};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let obstacles = obstacles::find(&arguments);
    if !obstacles.is_empty() {
        eprintln!("error: {}", obstacles.join("\nerror: "));
        return ExitCode::FAILURE;
    }
    let error = match build() {
        Err(error) => format!("cannot run `{}`: {error}", cargo().display()),
        Ok(false) => "the local cloud cannot be built; cargo's output has the reason".to_owned(),
        // The process itself, so that signals, the terminal and the exit code are the local cloud's own.
        Ok(true) => match obstacles::local_cloud() {
            None => "the path of this program is not known".to_owned(),
            Some(program) => {
                format!("cannot run {}: {}", program.display(), Command::new(&program).args(arguments).exec())
            }
        },
    };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn cargo() -> PathBuf {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()).into()
}

/// Builds the local cloud with the features of the whole workspace: the functions, which it builds next, have the same, so that
/// nothing is compiled twice.
fn build() -> io::Result<bool> {
    let mut command = Command::new(cargo());
    // Build scripts that read the variables of a package would run again because of this one's.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cloud/Cargo.toml");
    command
        .args(["build", "--workspace", "--bin", "local-cloud", "--manifest-path"])
        .arg(manifest)
        .stdin(Stdio::null());
    if !obstacles::is_built() {
        eprintln!("building the local cloud, and then the functions: minutes the first time, seconds later");
    }
    let status =
        if io::stderr().is_terminal() { command.status() } else { progress::run(&mut command, "the local cloud") };
    Ok(status?.success())
}
