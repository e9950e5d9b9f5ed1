//! The number of files that this process may open: every connection is one, and every function's process takes a few.

/// The WebSocket connections that the local cloud promises, and room for everything else.
const WANTED_OPEN_FILES: u64 = 10_000 + 1_000;

/// Raises the soft limit to the hard one, which only the machine's owner can raise, and says so where that is too low.
/// Functions inherit it.
pub(crate) fn raise_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit < WANTED_OPEN_FILES => tracing::warn!(
            "a process of this system may open {limit} files, which limits the connections: \
             10,000 WebSockets need a hard limit of {WANTED_OPEN_FILES} (`ulimit -Hn`)"
        ),
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "cannot raise the limit of open files, which limits the connections"),
    }
}
