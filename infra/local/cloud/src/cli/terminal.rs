//! The terminal: a log, and below it a line that stays.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Standard error. Cheap to clone. Output appears above the status line, if there is one; each write must be whole lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Terminal {
    line: Arc<OnceLock<ProgressBar>>,
}

impl Terminal {
    /// Shows this in the line. Cut at the terminal's width.
    pub(super) fn show(&self, text: String) {
        let line = self.line.get_or_init(|| {
            // The only error is one of the template, and this one has none.
            let style = ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
        });
        line.set_message(text);
    }

    /// Removes the line permanently.
    pub(super) fn clear(&self) {
        if let Some(line) = self.line.get() {
            line.finish_and_clear();
        }
    }
}

impl Write for Terminal {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let write = || io::stderr().write_all(lines).map(|()| lines.len());
        self.line.get().map_or_else(write, |line| line.suspend(write))
    }

    fn flush(&mut self) -> io::Result<()> {
        // Standard error has no buffer.
        Ok(())
    }
}
