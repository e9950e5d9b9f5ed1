//! `cargo run -p client --example echo-bot -- NAME`: a bot that echoes every text in every conversation of its user, with the
//! cloud that `cargo local` runs.
//!
//! It answers texts that were sent since it started. Two of these bots in one conversation echo each other for ever.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use clap::Parser;
use clap::builder::NonEmptyStringValueParser;
use client::domain::conversation::ConversationType;
use client::domain::{Message, MessageKind, Timestamp};
use client::{Api, Client, Endpoints, Event, LocalIssuer, Pace};

/// Answers every text in every conversation of its user with the same text.
#[derive(Parser)]
#[command(name = "echo-bot")]
struct Arguments {
    /// Name of the bot's user.
    #[arg(value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    name: String,
}

// One thread, on which tasks start in the order in which they were spawned: so echoes keep the order of the texts.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { name } = Arguments::parse();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/local/endpoints.json");
    let endpoints = Endpoints::read(path)
        .map_err(|error| format!("cannot read the endpoints, is `cargo local` running? {error}"))?;
    let tokens = Arc::new(LocalIssuer::new(&endpoints.oidc_token, &name)?);
    let api = Arc::new(Api::with_tokens(endpoints, tokens)?);
    let user = api.profile(&name).await?;
    let (client, mut events) = Client::start(api, user, Pace::default());
    let started = Timestamp::now();
    println!("{name} is {user}");
    while let Some(event) = events.recv().await {
        match event {
            // Members of a public conversation receive pushes only while it is open.
            Event::Conversation(conversation) if conversation.kind == ConversationType::Public => {
                client.open(conversation.conversation_id);
            }
            Event::Item(item) if item.sender_id != user => {
                client.read(item.conversation_id, item.seq);
                if let Some(text) = text_to_echo(&item, started) {
                    echo(&client, &item, text.to_owned());
                }
            }
            Event::Refused(refusal) => return Err(refusal.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Returns the text of a message that was sent since the bot started; the client reports all earlier ones as well.
fn text_to_echo(item: &Message, started: Timestamp) -> Option<&str> {
    match &item.kind {
        MessageKind::Text(content) if item.sent_at >= started => {
            Some(content.text.as_str()).filter(|text| !text.is_empty())
        }
        _ => None,
    }
}

/// Sends a text without waiting for its seq, so that one conversation does not delay the others.
fn echo(client: &Client, item: &Message, text: String) {
    let (client, conversation) = (client.clone(), item.conversation_id);
    tokio::spawn(async move {
        if let Err(error) = client.send(conversation, text).await {
            eprintln!("cannot send to {conversation}: {error}");
        }
    });
}
