//! The client: one task that owns all state, and handles to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::protocol::{Answer, ErrorBody, Push, Reply, Sent, Synced};
use domain::{
    ClientMessageId, Content, ConversationId, ConversationType, ErrorCode, Message, MessageKind, Seq, UserId,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::connection::{self, Command, Incoming};
use crate::outbox::{Draft, NextStep, Outbox, Outcome, SendError};
use crate::receipts::Receipts;
use crate::replica::Replica;
use crate::server_frame::{self, ServerFrame};
use crate::subscriptions::{self, Subscriptions};
use crate::sync_schedule::{SyncSchedule, SyncSubject};
use crate::{Api, Event, Pace};

/// A running client. It stops when all of its handles are dropped.
#[derive(Clone, Debug)]
pub struct Client(mpsc::UnboundedSender<Request>);

#[derive(Debug)]
enum Request {
    Send(ConversationId, Draft, Outcome),
    Read(ConversationId, Seq),
    Subscribe(ConversationId, bool),
    Snapshot(ConversationId, oneshot::Sender<Replica>),
    IsCaughtUp(oneshot::Sender<bool>),
    Sync,
    Reconnect,
}

impl Client {
    /// Connects as the user of `api`, whose id is `user`, until the client is dropped. Events queue without limit until they
    /// are received; drop the receiver to discard them.
    pub fn start(api: Arc<Api>, user: UserId, pace: Pace) -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (requests, requests_received) = mpsc::unbounded_channel();
        let (events, events_received) = mpsc::unbounded_channel();
        let (commands, commands_received) = mpsc::unbounded_channel();
        let (incoming, incoming_received) = mpsc::unbounded_channel();
        tokio::spawn(connection::keep(api, pace, commands_received, incoming));
        tokio::spawn(Engine::new(user, pace, commands, events).run(requests_received, incoming_received));
        (Self(requests), events_received)
    }

    /// Sends a text, and retries until the server answers. Texts of one conversation get their seqs in the order of the calls; those
    /// that wait while another is under way go together.
    pub async fn send(&self, conversation: ConversationId, text: impl Into<String>) -> Result<Sent, SendError> {
        self.send_draft(conversation, Draft { text: text.into(), ..Draft::default() }).await
    }

    /// Sends a message that may answer another one and have attachments, as [`send`](Self::send) does. The order is that of the
    /// calls; the future only waits for the answer.
    pub fn send_draft(
        &self,
        conversation: ConversationId,
        draft: Draft,
    ) -> impl Future<Output = Result<Sent, SendError>> + Send + use<> {
        let (outcome, known) = oneshot::channel();
        let queued = self.0.send(Request::Send(conversation, draft, outcome)).map_err(|_| SendError::Stopped);
        async move {
            queued?;
            known.await.map_err(|_| SendError::Stopped)?
        }
    }

    /// Reports that the user has read everything up to `seq`.
    pub fn read(&self, conversation: ConversationId, seq: Seq) {
        self.request(Request::Read(conversation, seq));
    }

    /// Subscribes to a public conversation: its items are pushed, on every later connection as well, until it is closed.
    pub fn open(&self, conversation: ConversationId) {
        self.request(Request::Subscribe(conversation, true));
    }

    /// Ends the subscription to a public conversation.
    pub fn close(&self, conversation: ConversationId) {
        self.request(Request::Subscribe(conversation, false));
    }

    /// Returns the client's copy of the conversation; empty for an unknown one.
    pub async fn snapshot(&self, conversation: ConversationId) -> Replica {
        let (snapshot, taken) = oneshot::channel();
        self.request(Request::Snapshot(conversation, snapshot));
        taken.await.unwrap_or_default()
    }

    /// Returns true while the client is connected with nothing left to sync: what it shows is what the server has.
    pub async fn is_caught_up(&self) -> bool {
        let (state, known) = oneshot::channel();
        self.request(Request::IsCaughtUp(state));
        known.await.unwrap_or_default()
    }

    /// Syncs everything: for a device that has slept.
    pub fn sync(&self) {
        self.request(Request::Sync);
    }

    /// Opens another connection without closing the current one first, for a device whose network has changed.
    pub fn reconnect(&self) {
        self.request(Request::Reconnect);
    }

    /// The engine lives as long as this handle.
    fn request(&self, request: Request) {
        let _ = self.0.send(request);
    }
}

struct Engine {
    user: UserId,
    pace: Pace,
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::UnboundedSender<Event>,
    up: bool,
    replicas: BTreeMap<ConversationId, Replica>,
    /// Public conversations, which have no deliveries.
    public: BTreeSet<ConversationId>,
    outbox: Outbox,
    syncs: SyncSchedule,
    acks: Receipts,
    reads: Receipts,
    subscriptions: Subscriptions,
}

impl Engine {
    fn new(
        user: UserId,
        pace: Pace,
        commands: mpsc::UnboundedSender<Command>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let now = Instant::now();
        let (replicas, outbox, syncs) = (BTreeMap::new(), Outbox::default(), SyncSchedule::new(now));
        let (acks, reads) = (Receipts::new("ack", now), Receipts::new("read", now));
        let (public, subscriptions) = (BTreeSet::new(), Subscriptions::default());
        Self { user, pace, commands, events, up: false, replicas, public, outbox, syncs, acks, reads, subscriptions }
    }

    async fn run(
        mut self,
        mut requests: mpsc::UnboundedReceiver<Request>,
        mut incoming: mpsc::UnboundedReceiver<Incoming>,
    ) {
        loop {
            if self.up {
                self.send_due_frames(Instant::now());
            }
            let due = self.due();
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => self.handle_request(request),
                    None => return,
                },
                message = incoming.recv() => match message {
                    Some(Incoming::Refused(refusal)) => return self.emit(Event::Refused(refusal)),
                    Some(message) => self.handle_incoming(message),
                    None => return,
                },
                () = sleep_until(due), if self.up => {}
            }
        }
    }

    fn handle_request(&mut self, request: Request) {
        match request {
            Request::Send(conversation, draft, outcome) => {
                self.outbox.add(conversation, draft, Instant::now(), outcome);
            }
            Request::Read(conversation, seq) => self.reads.mark(conversation, seq),
            Request::Subscribe(conversation, open) => self.subscriptions.set(conversation, open, Instant::now()),
            Request::Snapshot(conversation, snapshot) => {
                // The caller may have stopped waiting.
                let _ = snapshot.send(self.replicas.get(&conversation).cloned().unwrap_or_default());
            }
            Request::IsCaughtUp(state) => {
                let has_gap = self.replicas.values().any(|replica| replica.gap_since().is_some());
                let _ = state.send(self.up && self.syncs.is_done() && !has_gap);
            }
            Request::Sync => self.syncs.need_everything(),
            Request::Reconnect => self.command(Command::Reconnect),
        }
    }

    fn due(&self) -> Instant {
        let gaps = self.replicas.values().filter_map(Replica::gap_since).map(|since| since + self.pace.gap);
        let others =
            [self.outbox.due(), self.acks.due(), self.reads.due(), self.subscriptions.due()].into_iter().flatten();
        gaps.chain(others).chain([self.syncs.due()]).min().unwrap_or_else(Instant::now)
    }

    /// Sends the frames that are due.
    fn send_due_frames(&mut self, now: Instant) {
        for (id, replica) in &mut self.replicas {
            if replica.gap_is_over(now, self.pace.gap) {
                self.syncs.need(*id);
            }
        }
        let cursors: BTreeMap<ConversationId, Seq> =
            self.replicas.iter().map(|(id, replica)| (*id, replica.cursor)).collect();
        let cursor = |id| cursors.get(&id).copied().unwrap_or_default();
        let mut frames = self.outbox.frames(now, &self.pace, cursor);
        frames.extend(self.syncs.frame(now, &self.pace, &cursors));
        frames.extend(self.acks.frame(now, &self.pace));
        frames.extend(self.reads.frame(now, &self.pace));
        frames.extend(self.subscriptions.frames(now, &self.pace));
        for frame in frames {
            self.command(Command::Frame(frame.to_string()));
        }
    }

    fn handle_incoming(&mut self, message: Incoming) {
        let now = Instant::now();
        match message {
            Incoming::Up => {
                self.up = true;
                self.syncs.connected(now, &self.pace);
                self.subscriptions.connected(now);
                self.emit(Event::Connected);
            }
            Incoming::Down => {
                self.up = false;
                self.interrupted(now);
                self.emit(Event::Disconnected);
            }
            // The loop has ended with it.
            Incoming::Refused(_) => {}
            Incoming::Frame(frame) => match server_frame::parse(&frame) {
                Some(ServerFrame::Push(push)) => self.pushed(push, now),
                Some(ServerFrame::Reply(Reply { reply_to: Some(id), answer })) => self.answered(&id, answer, now),
                Some(ServerFrame::Gateway(refusal)) => {
                    // The refusal does not name its frame; repeating an answered frame is harmless.
                    tracing::info!(refusal, "API Gateway refused a frame");
                    self.interrupted(now);
                }
                // Without its text, which may be a message's.
                _ => tracing::warn!(user_id = %self.user, bytes = frame.len(), "an unexpected frame was ignored"),
            },
        }
    }

    fn interrupted(&mut self, now: Instant) {
        self.outbox.interrupted(now, &self.pace);
        self.syncs.failed(now, None, &self.pace);
        self.acks.interrupted(now, &self.pace);
        self.reads.interrupted(now, &self.pace);
        self.subscriptions.interrupted(now, &self.pace);
    }

    fn pushed(&mut self, push: Push, now: Instant) {
        match push {
            Push::Message { message }
            | Push::MessageEdited { message }
            | Push::MessageDeleted { message }
            | Push::Reaction { message } => self.received(message, now),
            Push::Messages { messages } => {
                for message in messages {
                    self.received(message, now);
                }
            }
            Push::Typing { conversation_id, user_id, typing } => {
                self.emit(Event::Typing { conversation_id, user_id, typing });
            }
            // The server closes the connection; nothing more is pushed to it.
            Push::TokenExpired => self.command(Command::Reconnect),
            Push::File { file } => self.emit(Event::File(Box::new(file))),
            Push::Export { export } => self.emit(Event::Export(Box::new(export))),
            Push::ConversationSettings { conversation_id, settings } => {
                self.emit(Event::Settings { conversation_id, settings });
            }
            Push::Block { user_id, blocked } => self.emit(Event::Block { user_id, blocked }),
            Push::Unread { unread } => {
                for unread in unread {
                    self.emit(Event::Unread(unread));
                }
            }
            Push::Receipts { receipts } => {
                for receipt in receipts {
                    if self.replicas.entry(receipt.conversation_id).or_default().mark(receipt) {
                        self.emit(Event::Receipt(receipt));
                    }
                }
            }
        }
    }

    fn received(&mut self, message: Message, now: Instant) {
        let applied = self.replicas.entry(message.conversation_id).or_default().receive(message, now);
        self.applied(applied);
    }

    /// Builds the item of this user's own message. Its later changes arrive as events.
    fn own(&self, id: ClientMessageId, draft: Draft, sent: &Sent) -> Message {
        let Draft { text, reply_to_seq, attachments, custom } = draft;
        Message {
            conversation_id: sent.conversation_id,
            seq: sent.seq,
            message_id: sent.message_id,
            sender_id: self.user,
            sent_at: sent.sent_at,
            client_message_id: Some(id),
            edited_at: None,
            reactions: Vec::new(),
            kind: MessageKind::Text(Content { text, reply_to_seq, mentions: Vec::new(), attachments, custom }),
        }
    }

    fn answered(&mut self, id: &str, answer: Answer, now: Instant) {
        if let Answer::Error { error: ErrorBody { code: ErrorCode::TokenExpired, .. } } = &answer {
            self.command(Command::Reconnect);
        }
        let settled = match &answer {
            Answer::Error { error } => !error.retryable && error.code != ErrorCode::TokenExpired,
            _ => true,
        };
        match id.split('/').next() {
            Some("send") => {
                for step in self.outbox.answered(id, answer, now, &self.pace) {
                    match step {
                        NextStep::Sync(conversation) => self.syncs.need(conversation),
                        NextStep::Delivered { id, draft, sent } => self.received(self.own(id, draft, &sent), now),
                    }
                }
            }
            Some("ack") => self.acks.answered(id, settled, now, &self.pace),
            Some("read") => self.reads.answered(id, settled, now, &self.pace),
            Some("subscription") => {
                let outcome = match answer {
                    Answer::Accepted => subscriptions::Outcome::Accepted,
                    _ if settled => subscriptions::Outcome::Refused,
                    _ => subscriptions::Outcome::Failed,
                };
                if let Some(conversation) = self.subscriptions.answered(id, outcome, now, &self.pace) {
                    self.syncs.need(conversation);
                }
            }
            Some("sync") => match answer {
                Answer::Synced(synced) => self.synced(id, synced, now),
                Answer::Error { error } => {
                    tracing::info!(code = ?error.code, "sync was refused");
                    let after = error.retry_after_ms.map(Duration::from_millis);
                    self.syncs.failed(now, after, &self.pace);
                }
                _ => tracing::warn!(request_id = id, "the answer to a sync has an unexpected type"),
            },
            // The connection has noted the pong already.
            _ => {}
        }
    }

    fn synced(&mut self, id: &str, synced: Synced, now: Instant) {
        let Some(subject) = self.syncs.answered(id) else { return };
        if let SyncSubject::List(from) = subject {
            if from.is_none() {
                // Conversations that are no longer in the list may have final items that the client has not received.
                self.replicas.keys().for_each(|id| self.syncs.need(*id));
            }
            for listed in synced.conversations {
                self.replicas.entry(listed.conversation_id).or_default();
                self.syncs.need(listed.conversation_id);
                if let Some(conversation) = listed.conversation {
                    if conversation.kind == ConversationType::Public {
                        self.public.insert(conversation.conversation_id);
                    }
                    self.emit(Event::Conversation(Box::new(conversation)));
                }
            }
            if let Some(cursor) = synced.cursor {
                self.syncs.list_from(cursor);
            }
            return;
        }
        for missed in synced.conversations {
            let (id, more) = (missed.conversation_id, missed.more);
            let replica = self.replicas.entry(id).or_default();
            let applied = replica.catch_up(missed, now);
            let cursor = replica.cursor;
            self.applied(applied);
            if more {
                self.syncs.need(id);
            } else {
                self.outbox.caught_up(id, cursor, now);
            }
        }
    }

    /// Applies items that follow the cursor without a gap.
    fn applied(&mut self, items: Vec<Message>) {
        for item in items {
            self.outbox.seen(&item);
            if item.sender_id != self.user && !self.public.contains(&item.conversation_id) {
                self.acks.mark(item.conversation_id, item.seq);
            }
            self.emit(Event::Item(Box::new(item)));
        }
    }

    /// Reports an event. The receiver may have been dropped.
    fn emit(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// The connection's task lives as long as this one.
    fn command(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connection_whose_token_has_expired_is_renewed() {
        let (commands, mut received) = mpsc::unbounded_channel();
        let (events, _received) = mpsc::unbounded_channel();
        let user = "00000000-0000-0000-0000-000000000001".parse().unwrap();
        let mut engine = Engine::new(user, Pace::default(), commands, events);
        engine.handle_incoming(Incoming::Frame(r#"{"type":"token_expired"}"#.to_owned()));
        assert!(matches!(received.try_recv(), Ok(Command::Reconnect)));
    }
}
