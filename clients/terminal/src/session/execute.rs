//! Commands: what the user does.

use std::time::Duration;

use client::Draft;
use client::domain::reaction::Emoji;
use client::domain::{ConversationId, Seq};

use super::Session;
use crate::ChatError;
use crate::command::Command;
use crate::render::{clean, time};
use crate::screen::ScreenError;

/// Time that a command waits for the messages before it.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);

impl Session {
    /// Carries a command out. A refusal of a request is printed; it does not end the chat.
    pub(super) async fn execute(&mut self, command: Command) -> Result<(), ChatError> {
        use Command::{Delete, Edit, History, Leave, React, Reply, Save, Search};
        let about_messages =
            matches!(command, Delete(_) | Edit(..) | History(_) | Leave | React(..) | Reply(..) | Save(..) | Search(_));
        if about_messages {
            // It may be about the one that was typed just before.
            self.settle(SETTLE_TIMEOUT).await?;
        }
        match self.carry_out(command).await {
            Err(ChatError::Api(error)) => Ok(self.print(&format!("* {}", client::domain::error::causes(&error)))?),
            other => other,
        }
    }

    async fn carry_out(&mut self, command: Command) -> Result<(), ChatError> {
        match command {
            Command::Nothing | Command::Quit => {}
            Command::Text(text) => self.send(Draft { text, ..Draft::default() })?,
            Command::With(name) => self.with(&name).await?,
            Command::List => self.list().await?,
            Command::Open(which) => self.open_by(&which).await?,
            Command::Group(title, names) => {
                let members: Vec<_> = names.iter().map(|name| self.user(name)).collect();
                let group = self.api.group(&title, &members).await?;
                self.enter(group).await?;
            }
            Command::Public(title) => {
                let conversation = self.api.public(&title).await?;
                self.enter(conversation).await?;
            }
            Command::Search(words) => self.search(&words).await?,
            Command::Goto(number) => self.goto(number).await?,
            Command::Join(which) => self.join(&which).await?,
            Command::History(count) => self.history(count).await?,
            Command::File(path, caption) => self.send_file(&path, caption)?,
            Command::Save(seq, folder) => self.save(seq, folder).await?,
            Command::Help(lines) => {
                for line in lines {
                    self.print(&line)?;
                }
            }
            in_conversation => match self.open {
                Some(id) => self.in_conversation(id, in_conversation).await?,
                None => self.no_conversation()?,
            },
        }
        Ok(())
    }

    async fn in_conversation(&mut self, id: ConversationId, command: Command) -> Result<(), ChatError> {
        let known = self.known.get(&id);
        let (last_own, last_other) = known.map_or((None, None), |known| (known.last_own, known.last_other));
        match command {
            Command::Reply(target, text) => match target.or(last_other) {
                Some(seq) => self.send(Draft { text, reply_to_seq: Some(seq), ..Draft::default() })?,
                None => self.no_message()?,
            },
            Command::Edit(target, text) => match target.or(last_own) {
                Some(seq) => self.api.edit(id, seq, &text).await?,
                None => self.no_message()?,
            },
            Command::Delete(target) => match target.or(last_own) {
                Some(seq) => self.api.delete(id, seq).await?,
                None => self.no_message()?,
            },
            Command::React(target, emoji) => match target.or(last_other) {
                Some(seq) => self.react(id, seq, &emoji).await?,
                None => self.no_message()?,
            },
            Command::Who => self.who(id).await?,
            Command::Members => self.members(id).await?,
            Command::Add(names) => {
                for name in names {
                    self.api.add(id, self.user(&name)).await?;
                }
            }
            Command::Leave => {
                self.api.remove(id, self.me).await?;
                let title = self.title(id);
                self.open = None;
                self.screen.set_prompt(None)?;
                self.print(&format!("* you have left {title}"))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Reacts, or takes the reaction back if the user has reacted so before.
    async fn react(&mut self, id: ConversationId, seq: Seq, emoji: &str) -> Result<(), ChatError> {
        let Ok(parsed) = Emoji::parse(emoji) else {
            return Ok(self.print(&format!("* {} is not an emoji", clean(emoji)))?);
        };
        let replica = self.client.snapshot(id).await;
        let mine = replica.reactions.get(&seq).and_then(|emojis| emojis.get(&parsed));
        let on = !mine.is_some_and(|users| users.contains(&self.me));
        Ok(self.api.react(id, seq, emoji, on).await?)
    }

    async fn who(&mut self, id: ConversationId) -> Result<(), ChatError> {
        let members = self.api.presence(id).await?;
        self.names.learn(&self.api, members.iter().map(|member| member.user_id)).await?;
        for member in members {
            let state = match (member.online, member.last_seen_at) {
                (true, _) => "online".to_owned(),
                (false, Some(at)) => format!("last seen {}", time(at)),
                (false, None) => "not seen lately".to_owned(),
            };
            let name = self.names.of(member.user_id);
            self.print(&format!("      {name}: {state}"))?;
        }
        Ok(())
    }

    async fn members(&mut self, id: ConversationId) -> Result<(), ChatError> {
        let members = self.api.members(id).await?;
        self.names.learn(&self.api, members.iter().map(|member| member.user_id)).await?;
        for member in members {
            let name = self.names.of(member.user_id);
            self.print(&format!("      {name}: {}", member.role.as_str()))?;
        }
        Ok(())
    }

    fn no_message(&mut self) -> Result<(), ScreenError> {
        self.print("* there is no such message yet; name one by its number, as in #3")
    }
}
