//! The signals that stop the command: Ctrl-C, SIGTERM or the end of standard input.

use std::io::{self, Read};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code that a shell reports for a process that a second Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// A token that fires when the command is to stop. A second signal ends the process at once.
pub(crate) fn listen(on_stdin_eof: bool) -> io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let told = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if told.is_cancelled() {
                std::process::exit(INTERRUPTED);
            }
            told.cancel();
        }
    });
    if on_stdin_eof {
        let told = stop.clone();
        // A thread of its own: the runtime would wait for a blocking read when it shuts down.
        std::thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            let mut ignored = [0; 1024];
            // An unreadable standard input has ended, too.
            while stdin.read(&mut ignored).is_ok_and(|read| read > 0) {}
            told.cancel();
        });
    }
    Ok(stop)
}
