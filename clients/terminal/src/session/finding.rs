//! Conversations: finding, listing and opening them.

use client::ApiError;
use client::domain::{ConversationId, MessageKind, ReceiptKind, Seq};

use super::Session;
use crate::ChatError;
use crate::render::{self, clean};

/// Messages on the screen after a conversation was opened.
const SHOWN_AT_FIRST: u32 = 20;

impl Session {
    /// Makes a conversation the one that lines are sent to, and shows its newest messages.
    pub(super) async fn enter(&mut self, id: ConversationId) -> Result<(), ChatError> {
        // Its state now, whatever was known before.
        let conversation = self.api.conversation(id).await?;
        self.note(conversation).await?;
        self.open = Some(id);
        let title = self.title(id);
        self.screen.set_prompt(Some(&title))?;
        self.print(&format!("* this is {title}"))?;
        self.history(SHOWN_AT_FIRST).await
    }

    /// Prints the newest messages of the open conversation, with ticks and reactions.
    pub(super) async fn history(&mut self, count: u32) -> Result<(), ChatError> {
        let Some(id) = self.open else { return Ok(self.no_conversation()?) };
        let page = self.api.latest(id, count).await?;
        let marks: Vec<(ReceiptKind, Seq)> = match self.api.watermarks(id).await {
            Ok(members) => {
                let others = members.iter().filter(|member| member.user_id != self.me);
                let both = others.flat_map(|member| {
                    let delivered = member.delivered.map(|mark| (ReceiptKind::Delivered, mark.seq));
                    delivered.into_iter().chain(member.read.map(|mark| (ReceiptKind::Read, mark.seq)))
                });
                both.collect()
            }
            // A former member sees no receipts.
            Err(_) => Vec::new(),
        };
        self.names.learn(&self.api, page.iter().flat_map(render::users)).await?;
        for message in &page {
            let is_mine = message.sender_id == self.me;
            let tick = is_mine.then(|| Self::tick(&marks, message.seq));
            self.print_item(message, tick)?;
            if let (MessageKind::Text(_), Some(known)) = (&message.kind, self.known.get_mut(&id)) {
                known.note_text(message.seq, is_mine);
            }
        }
        if let Some(known) = self.known.get_mut(&id) {
            // Events up to the head are in the messages that were printed.
            let newest = page.last().map_or(Seq::ZERO, |message| message.seq).max(known.conversation.head_seq);
            self.shown = if self.shown_in == Some(id) { self.shown.max(newest) } else { newest };
            self.shown_in = Some(id);
            known.unread = 0;
            if newest > Seq::ZERO {
                self.client.read(id, newest);
            }
        }
        Ok(())
    }

    pub(super) async fn list(&mut self) -> Result<(), ChatError> {
        let conversations = self.api.conversations().await?;
        if conversations.is_empty() {
            self.print(
                "* you have no conversations yet: /with NAME, /group TITLE NAME …, /public TITLE or /search WORDS",
            )?;
        }
        self.listed = conversations.iter().map(|conversation| conversation.conversation_id).collect();
        for conversation in conversations {
            self.note(conversation).await?;
        }
        for (index, id) in self.listed.clone().into_iter().enumerate() {
            let Some(known) = self.known.get(&id) else { continue };
            let conversation = &known.conversation;
            let unread = match known.unread {
                0 => String::new(),
                100.. => ", 99+ unread".to_owned(),
                unread => format!(", {unread} unread"),
            };
            let closed = if conversation.closed { ", closed" } else { "" };
            let members = conversation.member_count.map_or_else(String::new, |count| format!(", {count} members"));
            let line = format!(
                "{:>4}  {} ({}{members}{closed}{unread})",
                index + 1,
                self.title(id),
                conversation.kind.as_str()
            );
            self.print(&line)?;
        }
        Ok(())
    }

    /// Opens a conversation by its number in the list, its title or the other user's name.
    pub(super) async fn open_by(&mut self, which: &str) -> Result<(), ChatError> {
        let number = which.parse::<usize>().ok().and_then(|number| self.listed.get(number.checked_sub(1)?));
        if let Some(id) = number.copied() {
            return self.enter(id).await;
        }
        for conversation in self.api.conversations().await? {
            self.note(conversation).await?;
        }
        let ids = self.known.keys().copied();
        let called = |fits: fn(&str, &str) -> bool| {
            let wanted = which.to_lowercase();
            ids.clone().filter(|id| fits(&self.title(*id).to_lowercase(), &wanted)).collect::<Vec<_>>()
        };
        let exact = called(|title, wanted| title == wanted);
        let found = if exact.is_empty() { called(|title, wanted| title.starts_with(wanted)) } else { exact };
        match found.as_slice() {
            [] => Ok(self.print(&format!("* no conversation is called {}; /list shows yours", clean(which)))?),
            [id] => self.enter(*id).await,
            _ => Ok(self.print(&format!("* {} conversations are called so; /list has their numbers", found.len()))?),
        }
    }

    /// Joins a public conversation by its number in the search, or by its title.
    pub(super) async fn join(&mut self, which: &str) -> Result<(), ChatError> {
        let number = which.parse::<usize>().ok().and_then(|number| self.found.get(number.checked_sub(1)?));
        let id = if let Some(found) = number {
            found.conversation_id
        } else {
            let mut same = self.api.search(which).await?;
            same.retain(|found| found.title.to_lowercase() == which.to_lowercase());
            match same.as_slice() {
                [one] => one.conversation_id,
                [] => {
                    let which = clean(which);
                    return Ok(self.print(&format!("* no public conversation is called {which}; /search finds them"))?);
                }
                _ => return Ok(self.print("* several are called so: /search, then /join NUMBER")?),
            }
        };
        self.api.join(id).await?;
        self.enter(id).await
    }

    /// Opens the private conversation with a user.
    pub(super) async fn with(&mut self, name: &str) -> Result<(), ChatError> {
        match self.api.talk_to(self.user(name)).await {
            Ok(id) => self.enter(id).await,
            Err(ApiError::Refused { code, .. }) if code == "user_not_found" => {
                let name = clean(name);
                Ok(self.print(&format!(
                    "* {name} is not here yet; `cargo chat {name}` in another terminal makes the user"
                ))?)
            }
            Err(error) => Err(error.into()),
        }
    }
}
