//! The progress of a build, a line now and then, where no terminal shows cargo's own.

use std::io::{self, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Lets cargo show its bar, which alone has counts, although no terminal is there.
pub const BAR: [(&str, &str); 3] =
    [("CARGO_TERM_PROGRESS_WHEN", "always"), ("CARGO_TERM_PROGRESS_WIDTH", "120"), ("CARGO_TERM_COLOR", "never")];

/// Runs cargo to its end. Says how much is done of `what` instead of what it compiles, and passes everything else on.
///
/// # Errors
/// cargo cannot be run, or its output cannot be read.
pub fn run(cargo: &mut Command, what: &str) -> io::Result<ExitStatus> {
    let mut child = cargo.envs(BAR).stderr(Stdio::piped()).spawn()?;
    let mut progress = Progress::of(what);
    if let Some(said) = child.stderr.take() {
        for byte in BufReader::new(said).bytes() {
            if let Some(line) = progress.byte(byte?) {
                eprintln!("{line}");
            }
        }
    }
    child.wait()
}

/// Turns what cargo says into lines for a log.
#[derive(Debug)]
pub struct Progress {
    what: String,
    last: Option<Instant>,
    line: Vec<u8>,
}

impl Progress {
    /// Nothing of `what` has been built yet.
    pub fn of(what: &str) -> Self {
        Self { what: what.to_owned(), last: None, line: Vec::new() }
    }

    /// Takes the next byte of cargo's standard error, and returns a line if one is to be printed.
    pub fn byte(&mut self, byte: u8) -> Option<String> {
        if byte != b'\n' && byte != b'\r' {
            self.line.push(byte);
            return None;
        }
        let line = std::mem::take(&mut self.line);
        self.line(&String::from_utf8_lossy(&line), Instant::now())
    }

    fn line(&mut self, said: &str, now: Instant) -> Option<String> {
        let said = said.trim_end_matches("\u{1b}[K").trim_end();
        let word = said.trim_start().split(' ').next().unwrap_or_default();
        match word {
            "" | "Compiling" | "Finished" | "Fresh" => None,
            "Building" if said.contains('[') => {
                if self.last.is_some_and(|last| now.duration_since(last) < INTERVAL) {
                    return None;
                }
                let (counts, names) = said.split_once(']')?.1.split_once(':')?;
                let (done, all) = counts.trim().split_once('/')?;
                self.last = Some(now);
                Some(format!("building {}: {done} of {all} parts done, now{names}", self.what))
            }
            _ => Some(said.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_a_line_now_and_then_and_errors_pass() {
        let mut progress = Progress::of("the cloud");
        let start = Instant::now();
        let bar = "    Building [====>    ] 12/30: serde, tokio\u{1b}[K";
        let expected = Some("building the cloud: 12 of 30 parts done, now serde, tokio".to_owned());
        assert_eq!(progress.line(bar, start), expected);
        assert_eq!(progress.line(bar, start + INTERVAL / 2), None);
        assert_eq!(progress.line(bar, start + INTERVAL), expected);
        assert_eq!(progress.line("   Compiling serde v1.0.0", start), None);
        assert_eq!(
            progress.line("error[E0425]: cannot find `x`", start),
            Some("error[E0425]: cannot find `x`".to_owned())
        );
        assert_eq!(progress.line(" --> src/lib.rs:1:1", start), Some(" --> src/lib.rs:1:1".to_owned()));
    }
}
