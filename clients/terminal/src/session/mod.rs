//! One user's chat: what is known, what is open, and the loop over lines and events.

mod events;
mod execute;
mod finding;
mod searching;
mod sending;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use client::domain::conversation::Conversation;
use client::domain::protocol::http::PublicConversation;
use client::domain::{ConversationId, ConversationType, Seq, Timestamp, UserId};
use client::{Api, ApiError, Client, Event};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::ChatError;
use crate::command::{Command, parse};
use crate::names::Names;
use crate::render::clean;
use crate::screen::{Screen, ScreenError};

/// Time that messages on their way have at the end of the chat.
const LAST_MESSAGES_TIMEOUT: Duration = Duration::from_secs(20);

/// A conversation of the user.
struct Known {
    conversation: Conversation,
    /// Texts of others that the user has not read, counted up to a seq.
    unread: u32,
    counted: Seq,
    /// The newest text of the user, and of somebody else.
    last_own: Option<Seq>,
    last_other: Option<Seq>,
}

impl Known {
    /// Takes note of a text of the user, or of somebody else.
    fn note_text(&mut self, seq: Seq, is_mine: bool) {
        let last = if is_mine { &mut self.last_own } else { &mut self.last_other };
        *last = (*last).max(Some(seq));
    }
}

pub(crate) struct Session {
    api: Arc<Api>,
    client: Client,
    me: UserId,
    /// Issuer of the user's token: with a name it makes a user id of the local cloud.
    issuer: String,
    screen: Screen,
    names: Names,
    known: BTreeMap<ConversationId, Known>,
    /// Conversations as `/list` has numbered them, and public ones as `/search` has.
    listed: Vec<ConversationId>,
    found: Vec<PublicConversation>,
    /// Messages as `/search` has numbered them.
    hits: Vec<(ConversationId, Seq)>,
    open: Option<ConversationId>,
    /// The newest seq on the screen, and its conversation.
    shown: Seq,
    shown_in: Option<ConversationId>,
    started: Timestamp,
    connected: bool,
    /// Messages and files on their way.
    tasks: JoinSet<()>,
    reports: UnboundedSender<Report>,
    reported: UnboundedReceiver<Report>,
    events: UnboundedReceiver<Event>,
}

/// What became of a message or a file.
enum Report {
    Line(String),
    Sent(ConversationId, Seq),
}

impl Session {
    pub(crate) async fn new(
        api: Arc<Api>,
        (client, events): (Client, UnboundedReceiver<Event>),
        me: UserId,
        screen: Screen,
    ) -> Result<Self, ApiError> {
        let claims = client::unverified_claims(&api.fresh_token().await?).unwrap_or_default();
        let (reports, reported) = unbounded_channel();
        Ok(Self {
            api,
            client,
            me,
            issuer: claims["iss"].as_str().unwrap_or_default().to_owned(),
            screen,
            names: Names::default(),
            known: BTreeMap::new(),
            listed: Vec::new(),
            found: Vec::new(),
            hits: Vec::new(),
            open: None,
            shown: Seq::ZERO,
            shown_in: None,
            started: Timestamp::now(),
            connected: false,
            tasks: JoinSet::new(),
            reports,
            reported,
            events,
        })
    }

    /// Runs until the user ends the chat, or the server refuses the user for good.
    pub(crate) async fn run(&mut self, name: &str, with: Option<String>) -> Result<(), ChatError> {
        self.print(&format!(
            "You are {}. /with NAME opens a chat, /help lists the commands, /quit ends.",
            clean(name)
        ))?;
        if let Some(other) = with {
            self.execute(Command::With(other)).await?;
        }
        loop {
            tokio::select! {
                line = self.screen.line() => match line?.map(|line| parse(&line)) {
                    None | Some(Ok(Command::Quit)) => break,
                    Some(Ok(command)) => self.execute(command).await?,
                    Some(Err(refusal)) => self.print(&format!("* {refusal}"))?,
                },
                event = self.events.recv() => match event {
                    Some(event) => self.show(event).await?,
                    None => return Ok(()),
                },
                Some(report) = self.reported.recv() => self.report(report)?,
            }
        }
        self.settle(LAST_MESSAGES_TIMEOUT).await
    }

    /// Gives the terminal back.
    pub(crate) async fn close(mut self) -> Result<(), ScreenError> {
        self.tasks.shutdown().await;
        self.screen.close()
    }

    fn print(&mut self, line: &str) -> Result<(), ScreenError> {
        self.screen.print(line)
    }

    /// Learns about a conversation that nothing is known of yet.
    async fn learn(&mut self, id: ConversationId) -> Result<(), ApiError> {
        if !self.known.contains_key(&id) {
            let conversation = self.api.conversation(id).await?;
            self.note(conversation).await?;
        }
        Ok(())
    }

    /// Notes the state of a conversation. Public ones are subscribed, since nothing is pushed otherwise.
    async fn note(&mut self, conversation: Conversation) -> Result<(), ApiError> {
        let id = conversation.conversation_id;
        self.names.learn(&self.api, conversation.peer_id).await?;
        if conversation.kind == ConversationType::Public && conversation.role.is_some() {
            self.client.open(id);
        }
        let unread = if self.open == Some(id) { 0 } else { conversation.unread };
        let counted = conversation.head_seq;
        if let Some(known) = self.known.get_mut(&id) {
            (known.conversation, known.unread, known.counted) = (conversation, unread, counted);
        } else {
            self.known.insert(id, Known { conversation, unread, counted, last_own: None, last_other: None });
        }
        Ok(())
    }

    /// Returns the title of a conversation, or the other user's name.
    fn title(&self, id: ConversationId) -> String {
        let Some(Known { conversation, .. }) = self.known.get(&id) else { return id.to_string() };
        match (&conversation.title, conversation.peer_id) {
            (Some(title), _) => clean(title),
            (None, Some(peer)) => self.names.of(peer),
            (None, None) => "a conversation that you have left".to_owned(),
        }
    }

    /// Returns the id of the user with this name, or with this id.
    fn user(&self, name: &str) -> UserId {
        name.parse().unwrap_or_else(|_| UserId::from_token(&self.issuer, name))
    }
}
