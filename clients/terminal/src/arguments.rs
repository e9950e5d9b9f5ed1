//! Arguments of `cargo chat`.

use std::path::PathBuf;

use clap::Parser;
use clap::builder::NonEmptyStringValueParser;

/// Chats in the terminal, with the cloud that `cargo local` runs.
///
/// Type a line to send it, and `/help` for the commands. With a pipe instead of a terminal it reads commands and texts line by line,
/// prints plain lines, and ends when the input does.
#[derive(Debug, Parser)]
#[command(name = "cargo chat", bin_name = "cargo chat", version)]
pub(crate) struct Arguments {
    /// Your name. The local cloud needs no password, and a new name makes a new user.
    #[arg(value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// Open the private conversation with this user.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) with: Option<String>,
    /// File with the addresses of the deployment [default: that of `cargo local`, below this checkout's target folder].
    #[arg(long, value_name = "FILE")]
    pub(crate) endpoints: Option<PathBuf>,
    /// Access token, for a deployment whose issuer is not that of the local cloud.
    #[arg(long, value_name = "TOKEN", env = "CHAT_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

impl Arguments {
    /// Returns the file that `cargo local` writes, unless another one was named.
    pub(crate) fn endpoints(&self) -> PathBuf {
        self.endpoints.clone().unwrap_or_else(|| {
            let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
            let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target");
            target.unwrap_or_else(beside).join("local/endpoints.json")
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    fn refusal(arguments: &[&str]) -> ErrorKind {
        Arguments::try_parse_from([&["cargo chat"], arguments].concat()).unwrap_err().kind()
    }

    #[test]
    fn help_and_mistakes_are_no_names() {
        assert_eq!(refusal(&["--help"]), ErrorKind::DisplayHelp);
        assert_eq!(refusal(&["--version"]), ErrorKind::DisplayVersion);
        assert_eq!(refusal(&["--verbose"]), ErrorKind::UnknownArgument);
        assert_eq!(refusal(&["alice", "bob"]), ErrorKind::UnknownArgument);
        assert_eq!(refusal(&[""]), ErrorKind::InvalidValue);
        assert_eq!(refusal(&[]), ErrorKind::MissingRequiredArgument);
    }
}
