//! A member's connection, as light as a client can be: what it measures is the other side.

use std::collections::HashMap;
use std::time::Instant;

use end_to_end::Cloud;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use uuid::Uuid;

use super::Failure;

/// The text after the number, to make a message of the usual length.
const TEXT: &str = "is what I have to say, and I say it in about as many words as people use when they chat.";

/// Identifies a message of one run, and its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Number {
    pub(crate) sender: u32,
    pub(crate) count: u32,
}

impl Number {
    fn text(self) -> String {
        format!("{}.{}", self.sender, self.count)
    }

    /// Parses the id of a frame, or a text; `None` for anything that this bench has not sent.
    fn read(text: &str) -> Option<Self> {
        let (sender, count) = text.split_once(' ').map_or(text, |(number, _)| number).split_once('.')?;
        Some(Self { sender: sender.parse().ok()?, count: count.parse().ok()? })
    }
}

#[derive(Debug)]
pub(crate) enum Received {
    Texts(Vec<Number>),
    /// The answers to own messages: the seq of each, or the code of the refusal.
    Answers(Vec<(Number, Result<u64, String>)>),
    /// Frames that this bench does not measure.
    Other,
}

/// An open connection of a member of one conversation.
#[derive(Debug)]
pub(crate) struct MemberConnection {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    conversation: String,
    /// The highest seq that has come.
    cursor: u64,
    next: Number,
    /// The sizes of the batches that are under way, by their first message.
    batches: HashMap<Number, u32>,
}

impl MemberConnection {
    pub(crate) async fn open(cloud: &Cloud, token: &str, conversation: &str, sender: u32) -> Result<Self, Failure> {
        let mut request = cloud.endpoints.websocket.as_str().into_client_request()?;
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
        // A frame must not wait for the acknowledgement of the one before.
        let (stream, _) = connect_async_with_config(request, None, true).await?;
        let next = Number { sender, count: 0 };
        Ok(Self { stream, conversation: conversation.to_owned(), cursor: 1, next, batches: HashMap::new() })
    }

    /// Joins a conversation that goes on: begins at its head, as after a sync.
    pub(crate) fn at(self, cursor: u64) -> Self {
        Self { cursor, ..self }
    }

    pub(crate) fn is_sender_of(&self, number: Number) -> bool {
        self.next.sender == number.sender
    }

    /// Sends a text, or several in one frame; returns their numbers and the time of sending.
    pub(crate) async fn send_texts(&mut self, size: u32) -> Result<(Vec<Number>, Instant), Failure> {
        let first = self.next;
        let numbers: Vec<_> = (0..size).map(|n| Number { count: first.count + n, ..first }).collect();
        self.next.count += size;
        let mut frame = json!({
            "action": "send",
            "id": first.text(),
            "conversation_id": self.conversation,
            "after_seq": self.cursor,
        });
        let drafts = numbers
            .iter()
            .map(|number| json!({"client_message_id": Uuid::new_v4(), "text": format!("{} {TEXT}", number.text())}));
        match (drafts.collect::<Vec<_>>(), &mut frame) {
            (drafts, Value::Object(frame)) if size == 1 => {
                frame.extend(drafts.into_iter().filter_map(|draft| draft.as_object().cloned()).flatten());
            }
            (drafts, frame) => {
                frame["messages"] = drafts.into();
                self.batches.insert(first, size);
            }
        }
        let begun = Instant::now();
        self.stream.send(Message::text(frame.to_string())).await?;
        Ok((numbers, begun))
    }

    /// The next frame. Dropping the future loses nothing.
    pub(crate) async fn receive(&mut self) -> Result<Received, Failure> {
        let frame = self.stream.next().await.ok_or("the connection is closed")??;
        let Message::Text(text) = frame else { return Ok(Received::Other) };
        let Frame { reply_to, seq, message, messages, error } = serde_json::from_str(&text)?;
        if let Some(first) = reply_to.as_deref().and_then(Number::read) {
            let seqs = seq.into_iter().chain(messages.into_iter().map(|message| message.seq));
            let mut accepted: Vec<_> = seqs.map(|seq| Ok(self.advance_cursor(seq))).collect();
            let size = self.batches.remove(&first).unwrap_or(1) as usize;
            if accepted.len() < size {
                let refusal = error.ok_or_else(|| format!("no answer: {text}"))?;
                accepted.resize(size, Err(refusal.code));
            }
            let numbers = (first.count..).map(|count| Number { count, ..first });
            return Ok(Received::Answers(numbers.zip(accepted).collect()));
        }
        let mut numbers = Vec::new();
        for ReceivedMessage { seq, text } in message.into_iter().chain(messages) {
            self.advance_cursor(seq);
            numbers.extend(text.as_deref().and_then(Number::read));
        }
        Ok(if numbers.is_empty() { Received::Other } else { Received::Texts(numbers) })
    }

    fn advance_cursor(&mut self, seq: u64) -> u64 {
        self.cursor = self.cursor.max(seq);
        seq
    }
}

/// The fields of a frame that this bench reads.
#[derive(Deserialize)]
struct Frame {
    reply_to: Option<String>,
    seq: Option<u64>,
    message: Option<ReceivedMessage>,
    #[serde(default)]
    messages: Vec<ReceivedMessage>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct ReceivedMessage {
    seq: u64,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
}
