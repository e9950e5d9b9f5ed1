//! Events: what others do.

use client::Event;
use client::domain::{ConversationType, Message, MessageKind, Receipt, ReceiptKind, Seq};

use super::Session;
use crate::ChatError;
use crate::render::{self, Tick};
use crate::screen::ScreenError;

impl Session {
    pub(super) async fn show(&mut self, event: Event) -> Result<(), ChatError> {
        match event {
            Event::Connected if self.connected => {}
            Event::Connected => {
                self.connected = true;
                self.print("* connected")?;
            }
            Event::Disconnected => {
                self.connected = false;
                self.print("* the connection is lost; what you send waits until it is back")?;
            }
            Event::Refused(refusal) => return Err(refusal.into()),
            Event::Conversation(conversation) => {
                // Without names the ids are shown; the next event tries again.
                let _ = self.note(*conversation).await;
            }
            Event::Item(message) => self.item(&message).await?,
            Event::Unread(unread) => {
                if let Some(known) = self.known.get_mut(&unread.conversation_id) {
                    known.unread = unread.unread;
                }
            }
            Event::Receipt(receipt) => self.receipt(receipt).await?,
            // Typing would flicker, an upload tells its own end, and the list shows no settings.
            Event::Typing { .. } | Event::File(_) | Event::Export(_) | Event::Settings { .. } | Event::Block { .. } => {
            }
        }
        Ok(())
    }

    async fn item(&mut self, message: &Message) -> Result<(), ScreenError> {
        let (id, is_mine) = (message.conversation_id, message.sender_id == self.me);
        // Without names the ids are shown.
        let _ = self.learn(id).await;
        let _ = self.names.learn(&self.api, render::users(message)).await;
        if let Some(known) = self.known.get_mut(&id)
            && matches!(message.kind, MessageKind::Text(_))
        {
            known.note_text(message.seq, is_mine);
        }
        if self.open == Some(id) {
            if message.seq <= self.shown {
                return Ok(());
            }
            self.shown = message.seq;
            let tick = is_mine.then_some(Tick::Sent);
            self.print_item(message, tick)?;
            if !is_mine {
                self.client.read(id, message.seq);
            }
            return Ok(());
        }
        self.notice(message)
    }

    /// Says that something new came in a conversation that is not open.
    fn notice(&mut self, message: &Message) -> Result<(), ScreenError> {
        let (id, sender) = (message.conversation_id, self.names.of(message.sender_id));
        if message.sender_id == self.me || message.sent_at < self.started {
            return Ok(());
        }
        let title = self.title(id);
        let text = match &message.kind {
            MessageKind::Text(content) => {
                let unread = self.known.get_mut(&id).map_or(1, |known| {
                    // The state of a conversation counts what it has; later items are counted here.
                    if message.seq > known.counted {
                        known.unread = known.unread.saturating_add(1);
                        known.counted = message.seq;
                    }
                    known.unread
                });
                format!("{title} ({unread} unread): {sender}: {}", render::quoted(content))
            }
            // The first text of a private conversation says it all.
            MessageKind::Created { conversation_type: ConversationType::Private, .. } => return Ok(()),
            MessageKind::Created { members, .. } | MessageKind::MembersAdded { members }
                if members.iter().any(|member| member.user_id == self.me) =>
            {
                format!("{sender} added you to {title}; /open {title}")
            }
            _ => return Ok(()),
        };
        self.print(&format!("{} * {text}", render::time(message.sent_at)))
    }

    pub(super) fn print_item(&mut self, message: &Message, tick: Option<Tick>) -> Result<(), ScreenError> {
        for line in render::lines(message, tick, |user| self.names.of(user)) {
            self.screen.print(&line)?;
        }
        Ok(())
    }

    /// Says that somebody has, or has read, the user's newest message of the open conversation.
    async fn receipt(&mut self, receipt: Receipt) -> Result<(), ScreenError> {
        let id = receipt.conversation_id;
        let Some(last) = self.known.get(&id).and_then(|known| known.last_own) else { return Ok(()) };
        if self.open != Some(id) || receipt.user_id == self.me || receipt.seq < last {
            return Ok(());
        }
        // Without a name the id is shown.
        let _ = self.names.learn(&self.api, [receipt.user_id]).await;
        let name = self.names.of(receipt.user_id);
        let text = match receipt.kind {
            ReceiptKind::Delivered => format!("✓✓ #{last} has reached {name}"),
            ReceiptKind::Read => format!("✓✓ {name} has read #{last}"),
        };
        self.print(&format!("      {text}"))
    }

    /// Returns how far a message of the user's has come, by the watermarks of others.
    pub(super) fn tick(marks: &[(ReceiptKind, Seq)], seq: Seq) -> Tick {
        let reached = |kind| marks.iter().any(|(mark, upto)| *mark == kind && *upto >= seq);
        match () {
            () if reached(ReceiptKind::Read) => Tick::Read,
            () if reached(ReceiptKind::Delivered) => Tick::Delivered,
            () => Tick::Sent,
        }
    }
}
