//! Searching: public conversations, and messages of the user's own ones.

use std::collections::BTreeSet;

use client::domain::{ConversationId, Message, MessageKind, Seq};
use client::{ApiError, SearchFilter};

use super::Session;
use crate::ChatError;
use crate::render::{self, clean, quoted};

/// Messages around the one that was found.
const SHOWN_AROUND: u32 = 11;

impl Session {
    /// Prints public conversations, and messages of the user's conversations, with these words.
    pub(super) async fn search(&mut self, words: &str) -> Result<(), ChatError> {
        self.found = self.api.search(words).await?;
        for (index, found) in self.found.clone().iter().enumerate() {
            let topic = found.topic.as_deref().map_or_else(String::new, |topic| format!(": {}", clean(topic)));
            let member = if found.member { ", you are a member" } else { "" };
            let count = found.member_count;
            self.print(&format!("{:>4}  {} ({count} members{member}){topic}", index + 1, clean(&found.title)))?;
        }
        let messages = self.messages_with(words).await?;
        self.names.learn(&self.api, messages.iter().map(|message| message.sender_id)).await?;
        for message in &messages {
            self.learn(message.conversation_id).await?;
        }
        self.hits = messages.iter().map(|message| (message.conversation_id, message.seq)).collect();
        for (index, message) in messages.iter().enumerate() {
            let MessageKind::Text(content) = &message.kind else { continue };
            let (time, seq) = (render::time(message.sent_at), message.seq);
            let (title, sender) = (self.title(message.conversation_id), self.names.of(message.sender_id));
            self.print(&format!("{:>4}  {time} {title} #{seq} {sender}: {}", index + 1, quoted(content)))?;
        }
        if !self.hits.is_empty() {
            self.print("* /goto NUMBER shows what was said around a message")?;
        } else if self.found.is_empty() {
            self.print("* nothing was found")?;
        }
        Ok(())
    }

    /// Opens the conversation of a message of the last search, and prints what was said around it.
    pub(super) async fn goto(&mut self, number: usize) -> Result<(), ChatError> {
        let Some((id, seq)) = number.checked_sub(1).and_then(|index| self.hits.get(index).copied()) else {
            return Ok(self.print("* no message of the last search has this number")?);
        };
        self.learn(id).await?;
        let page = self.api.around(id, seq, SHOWN_AROUND).await?;
        self.open = Some(id);
        let title = self.title(id);
        self.screen.set_prompt(Some(&title))?;
        self.print(&format!("* this is {title}, around #{seq}; /history shows the newest messages"))?;
        self.names.learn(&self.api, page.messages.iter().flat_map(render::users)).await?;
        for message in &page.messages {
            self.print_item(message, None)?;
        }
        Ok(())
    }

    /// Finds messages, oldest first: those that the server finds, and those that only this client has yet, or has without a server that
    /// searches.
    async fn messages_with(&mut self, words: &str) -> Result<Vec<Message>, ChatError> {
        let filter = SearchFilter { words: words.to_owned(), ..SearchFilter::default() };
        let mut messages: Vec<Message> = match self.api.find_messages(&filter, None).await {
            Ok(page) => page.hits.into_iter().map(|hit| hit.message).collect(),
            Err(ApiError::Refused { code, .. }) if code == "search_off" => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let found: BTreeSet<(ConversationId, Seq)> =
            messages.iter().map(|message| (message.conversation_id, message.seq)).collect();
        let wanted = words.to_lowercase();
        for id in self.known.keys().copied().collect::<Vec<_>>() {
            let replica = self.client.snapshot(id).await;
            messages.extend(replica.items.into_values().filter(|message| match &message.kind {
                MessageKind::Text(content) => {
                    content.text.to_lowercase().contains(&wanted) && !found.contains(&(id, message.seq))
                }
                _ => false,
            }));
        }
        messages.sort_by_key(|message| message.sent_at);
        Ok(messages.split_off(messages.len().saturating_sub(MAX_FOUND)))
    }
}

/// Most messages that a search shows.
const MAX_FOUND: usize = 20;
