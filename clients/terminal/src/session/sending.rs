//! Messages and files on their way: they are not waited for, and say how they ended.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use client::Draft;
use client::domain::Seq;
use client::domain::error::causes;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Report, Session};
use crate::ChatError;
use crate::render::{clean, size};
use crate::screen::ScreenError;
use crate::transfer;

/// Time in which a message that was sent shows up among the items.
const ECHO_TIMEOUT: Duration = Duration::from_secs(2);

impl Session {
    pub(super) fn send(&mut self, draft: Draft) -> Result<(), ScreenError> {
        let Some(conversation) = self.open else { return self.no_conversation() };
        if !self.connected && self.screen.is_terminal() {
            self.print(&format!("* waits for the connection: {}", clean(&draft.text)))?;
        }
        // Queued here and not in the task: tasks start in any order.
        let (sending, reports) = (self.client.send_draft(conversation, draft), self.reports.clone());
        self.tasks.spawn(async move {
            // The message itself is shown when it arrives as an item. Nobody reads reports after the end of the chat.
            let _ = reports.send(match sending.await {
                Ok(sent) => Report::Sent(conversation, sent.seq),
                Err(error) => Report::Line(format!("* not sent: {}", causes(&error))),
            });
        });
        Ok(())
    }

    pub(super) fn send_file(&mut self, path: &str, caption: String) -> Result<(), ScreenError> {
        let Some(conversation) = self.open else { return self.no_conversation() };
        let path = expand(path);
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {
                self.print(&format!("* sending {} ({})", clean(&path), size(metadata.len())))?;
            }
            Ok(_) => return self.print(&format!("* {}: it is not a file", clean(&path))),
            Err(error) => return self.print(&format!("* {}: {error}", clean(&path))),
        }
        let (api, client, reports) = (Arc::clone(&self.api), self.client.clone(), self.reports.clone());
        self.tasks.spawn(async move {
            let report = |text: String| {
                let _ = reports.send(Report::Line(format!("* {}: {text}", clean(&path))));
            };
            let progress = |percent| report(format!("{percent} % are sent"));
            match transfer::send(&api, conversation, Path::new(&path), progress).await {
                Ok(attachment) => {
                    let draft = Draft { text: caption, attachments: vec![attachment], ..Draft::default() };
                    match client.send_draft(conversation, draft).await {
                        Ok(sent) => {
                            let _ = reports.send(Report::Sent(conversation, sent.seq));
                        }
                        Err(error) => report(format!("not sent: {}", causes(&error))),
                    }
                }
                Err(error) => report(causes(&error)),
            }
        });
        Ok(())
    }

    /// Saves all files of a message.
    pub(super) async fn save(&mut self, seq: Seq, folder: Option<String>) -> Result<(), ChatError> {
        let Some(conversation) = self.open else { return Ok(self.no_conversation()?) };
        let replica = self.client.snapshot(conversation).await;
        let files = replica.items.get(&seq).map(|message| message.kind.attachments().to_vec()).unwrap_or_default();
        if files.is_empty() {
            return Ok(self.print(&format!("* #{seq} has no files"))?);
        }
        let folder = expand(folder.as_deref().unwrap_or("."));
        for file in &files {
            match transfer::save(&self.api, conversation, seq, file, Path::new(&folder)).await {
                Ok(path) => self.print(&format!("* saved {}", clean(&path.display().to_string())))?,
                Err(error) => self.print(&format!("* {}", causes(&error)))?,
            }
        }
        Ok(())
    }

    /// Waits for what is on its way, and says what became of it.
    pub(super) async fn settle(&mut self, limit: Duration) -> Result<(), ChatError> {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        let late = timeout(limit, all).await.is_err();
        let mut sent = None;
        while let Ok(report) = self.reported.try_recv() {
            if let Report::Sent(conversation, seq) = report {
                sent = sent.max(Some(seq).filter(|_| self.open == Some(conversation)));
            }
            self.report(report)?;
        }
        let deadline = Instant::now() + ECHO_TIMEOUT;
        while sent.is_some_and(|seq| seq > self.shown)
            && let Ok(Some(event)) = timeout_at(deadline, self.events.recv()).await
        {
            self.show(event).await?;
        }
        if late {
            self.print(&format!("* {} messages or files are still on their way", self.tasks.len()))?;
        }
        Ok(())
    }

    pub(super) fn report(&mut self, report: Report) -> Result<(), ScreenError> {
        match report {
            Report::Line(line) => self.print(&line),
            Report::Sent(conversation, seq) => {
                if let Some(known) = self.known.get_mut(&conversation) {
                    known.note_text(seq, true);
                }
                Ok(())
            }
        }
    }

    pub(super) fn no_conversation(&mut self) -> Result<(), ScreenError> {
        self.print("* open a conversation first: /with NAME, or /list and /open NUMBER")
    }
}

/// `~/` stands for the home folder, as in a shell.
fn expand(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => path.to_owned(),
    }
}
