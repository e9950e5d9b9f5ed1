//! `cargo chat alice`: a chat in the terminal, with the cloud that `cargo local` runs.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use client::{Api, ApiError, Client, Endpoints, Event, Pace};
use domain::conversation::Conversation;
use domain::{ConversationId, Message, MessageKind, Receipt, ReceiptKind, Seq, UserId};
use tokio::io::{AsyncBufReadExt, BufReader};

/// The file in which `cargo local` writes its addresses, from the top of the checkout.
const ENDPOINTS: &str = "target/local/endpoints.json";

#[derive(Debug, thiserror::Error)]
enum ChatError {
    #[error("usage: cargo chat NAME")]
    Usage,
    #[error("cannot read {ENDPOINTS}: is `cargo local` running?")]
    NotRunning(#[source] std::io::Error),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("cannot read from the terminal")]
    Terminal(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match chat().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", domain::error::causes(&error));
            ExitCode::FAILURE
        }
    }
}

async fn chat() -> Result<(), ChatError> {
    let name = std::env::args().nth(1).ok_or(ChatError::Usage)?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(ENDPOINTS);
    let endpoints = Endpoints::read(path).map_err(ChatError::NotRunning)?;
    let api = Arc::new(Api::new(endpoints, name.as_str())?);
    let user = api.profile(&name).await?;
    let (client, mut events) = Client::start(Arc::clone(&api), user, Pace::default());
    println!("You are {name}. Commands: /with NAME opens a chat, /list lists your conversations, /quit exits.");
    let mut room = Room { api, client, user, names: HashMap::new(), listed: Vec::new(), open: None };
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line?.as_deref().map(str::trim) {
                None | Some("/quit") => return Ok(()),
                Some("") => {}
                Some(line) => room.execute(line).await,
            },
            event = events.recv() => match event {
                Some(event) => room.show(event).await,
                None => return Ok(()),
            },
        }
    }
}

/// Returns the token's issuer. The subjects of the local issuer are the names, so the issuer and a name yield a user id.
fn issuer(token: &str) -> String {
    let claims = client::unverified_claims(token).unwrap_or_default();
    // Without an issuer the user id does not exist, and the server refuses the request.
    claims["iss"].as_str().unwrap_or_default().to_owned()
}

struct Room {
    api: Arc<Api>,
    client: Client,
    user: UserId,
    names: HashMap<UserId, String>,
    listed: Vec<Conversation>,
    open: Option<ConversationId>,
}

impl Room {
    async fn execute(&mut self, line: &str) {
        let result = match (line, line.strip_prefix("/with ")) {
            (_, Some(other)) => self.with(other.trim()).await,
            ("/list", _) => self.list().await,
            _ if line.starts_with('/') => {
                println!("* unknown command; the commands are /with NAME, /list and /quit");
                Ok(())
            }
            _ => {
                self.send(line);
                Ok(())
            }
        };
        if let Err(error) = result {
            println!("* {}", domain::error::causes(&error));
        }
    }

    async fn with(&mut self, other: &str) -> Result<(), ApiError> {
        let other_id = UserId::from_token(&issuer(&self.api.fresh_token().await?), other);
        let conversation = self.api.talk_to(other_id).await?;
        self.names.insert(other_id, other.to_owned());
        self.open = Some(conversation);
        println!("* chat with {other}");
        let replica = self.client.snapshot(conversation).await;
        for message in replica.items.values() {
            self.print(message).await;
        }
        self.client.read(conversation, replica.cursor.max(Seq(1)));
        self.client.sync();
        Ok(())
    }

    async fn list(&mut self) -> Result<(), ApiError> {
        for conversation in self.listed.clone() {
            let title = match (conversation.title, conversation.peer_id) {
                (Some(title), _) => title,
                (None, Some(peer)) => self.name(peer).await,
                (None, None) => "a conversation that you have left".to_owned(),
            };
            println!("* {title}: {} unread at the last update", conversation.unread);
        }
        Ok(())
    }

    /// The answer is not awaited: it arrives as an item, and a refusal is printed.
    fn send(&self, line: &str) {
        let Some(conversation) = self.open else { return println!("* open a chat first: /with NAME") };
        let (client, line) = (self.client.clone(), line.to_owned());
        tokio::spawn(async move {
            if let Err(error) = client.send(conversation, line).await {
                println!("* message not sent: {error}");
            }
        });
    }

    async fn show(&mut self, event: Event) {
        match event {
            Event::Connected => println!("* connected"),
            Event::Disconnected => println!("* connection lost, reconnecting"),
            Event::Conversation(conversation) => {
                self.listed.retain(|known| known.conversation_id != conversation.conversation_id);
                self.listed.push(*conversation);
            }
            Event::Item(message) if Some(message.conversation_id) == self.open => {
                self.print(&message).await;
                if message.sender_id != self.user {
                    self.client.read(message.conversation_id, message.seq);
                }
            }
            // Items of conversations that are not shown appear with /with. Unread counts and typing are not shown at all.
            Event::Item(_) | Event::Unread(_) | Event::Typing { .. } => {}
            Event::Receipt(receipt) => self.mark(receipt).await,
        }
    }

    async fn mark(&mut self, receipt: Receipt) {
        if receipt.kind == ReceiptKind::Read
            && receipt.user_id != self.user
            && Some(receipt.conversation_id) == self.open
        {
            println!("  \u{2713} {} has read all messages up to {}", self.name(receipt.user_id).await, receipt.seq);
        }
    }

    async fn print(&mut self, message: &Message) {
        let name = self.name(message.sender_id).await;
        match &message.kind {
            MessageKind::Text(content) => {
                println!("[{}] {name}: {}", message.seq, content.text);
                for file in &content.attachments {
                    println!("    {} ({} bytes)", file.name.as_str(), file.size);
                }
            }
            MessageKind::Deleted { .. } => println!("[{}] {name}: (deleted)", message.seq),
            MessageKind::MessageEdited { target_seq, content: Some(content) } => {
                println!("[{target_seq}] {name} (edited): {}", content.text);
            }
            MessageKind::MessageDeleted { target_seq } => println!("* {name} deleted [{target_seq}]"),
            MessageKind::Reaction { target_seq, emoji, on } => {
                println!("* {name} {} {} on [{target_seq}]", if *on { "added" } else { "removed" }, emoji.as_str());
            }
            // Members who join and leave are in the log as well; this chat of two users does not show them.
            _ => {}
        }
    }

    async fn name(&mut self, user: UserId) -> String {
        if let Some(name) = self.names.get(&user) {
            return name.clone();
        }
        match self.api.name_of(user).await {
            Ok(name) => {
                let name = name.unwrap_or_else(|| "deleted user".to_owned());
                self.names.insert(user, name.clone());
                name
            }
            // Not cached, so that the next call retries.
            Err(_) => user.to_string(),
        }
    }
}
