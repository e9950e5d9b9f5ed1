//! The screen: lines to read, and lines to print without disturbing the one that is being typed.

use std::io::{self, IsTerminal, Write};

use rustyline_async::{Readline, ReadlineError, ReadlineEvent, SharedWriter};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

/// Reasons for which the terminal cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScreenError {
    #[error("cannot use the terminal")]
    Editor(#[from] ReadlineError),
    #[error("cannot read or print")]
    Plain(#[from] io::Error),
}

/// Where the chat is seen.
pub(crate) enum Screen {
    /// A terminal with a line editor, whose line stays below all that is printed.
    Editor { editor: Box<Readline>, writer: SharedWriter },
    /// A pipe or a file: plain lines.
    Plain(Lines<BufReader<Stdin>>),
}

impl Screen {
    /// Opens the editor if a person sits at both ends.
    pub(crate) fn open() -> Result<Self, ScreenError> {
        if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
            return Ok(Self::Plain(BufReader::new(tokio::io::stdin()).lines()));
        }
        let (mut editor, writer) = Readline::new("> ".to_owned())?;
        // What was typed is printed as a message once it is sent, and not twice.
        editor.should_print_line_on(false, false);
        Ok(Self::Editor { editor: Box::new(editor), writer })
    }

    /// Returns the next line; `None` at the end of the input, and after Ctrl-C or Ctrl-D. Safe to drop while it waits.
    pub(crate) async fn line(&mut self) -> Result<Option<String>, ScreenError> {
        match self {
            Self::Editor { editor, .. } => match editor.readline().await? {
                ReadlineEvent::Line(line) => {
                    if !line.trim().is_empty() {
                        editor.add_history_entry(line.clone());
                    }
                    Ok(Some(line))
                }
                ReadlineEvent::Eof | ReadlineEvent::Interrupted => Ok(None),
            },
            Self::Plain(lines) => Ok(lines.next_line().await?),
        }
    }

    /// Prints a line above the one that is being typed.
    pub(crate) fn print(&mut self, line: &str) -> Result<(), ScreenError> {
        match self {
            Self::Editor { editor, writer } => {
                let line = format!("{line}\n");
                match writer.write_all(line.as_bytes()) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        // The queue is full: what waits goes out first. The writer has kept the line.
                        editor.flush()?;
                        writer.write(b"").map(drop)?;
                    }
                    written => written?,
                }
            }
            Self::Plain(_) => writeln!(io::stdout(), "{line}")?,
        }
        Ok(())
    }

    /// Shows the name of the conversation before the line that is being typed.
    pub(crate) fn set_prompt(&mut self, name: Option<&str>) -> Result<(), ScreenError> {
        if let Self::Editor { editor, .. } = self {
            editor.update_prompt(&format!("{}> ", name.unwrap_or_default()))?;
        }
        Ok(())
    }

    /// Returns true if a person types.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Self::Editor { .. })
    }

    /// Prints what waits, and gives the terminal back as it was.
    pub(crate) fn close(mut self) -> Result<(), ScreenError> {
        if let Self::Editor { editor, .. } = &mut self {
            editor.flush()?;
        }
        Ok(())
    }
}
