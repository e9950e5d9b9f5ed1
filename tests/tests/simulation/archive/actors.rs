//! Who writes, changes, archives and reads in a run, all at once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use chat::archive::{Archive, Items};
use chat::log::{Draft, Log, SendError};
use domain::amendment::Amendment;
use domain::period::SeqRange;
use domain::reaction::Emoji;
use domain::{ApiError, ClientMessageId, Content, ConversationId, ErrorCode, SegmentSize, Seq, UserId};
use end_to_end::{aws, crash::unless_crashed};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::dynamodb::messages::Order;
use store::dynamodb::{Chunks, LogItem, Messages};

use super::bucket::Bucket;
use super::subject::{Outcome, Subject};
use crate::conversation::random_id;
use crate::executor;
use crate::history::What;
use crate::network::Network;

/// Number of times that something is tried before that is a violation.
const MAX_ROUNDS: usize = 60;

/// An invocation that crashes has been polled less often than this.
const POLLS: u32 = 60;

/// Time for which a sender may edit: longer than any run.
const EDIT_WINDOW: Duration = Duration::from_hours(1);

const EMOJI: [&str; 4] = ["👍", "🎉", "😀", "🚀"];

/// What a run shares.
pub(super) struct Room {
    pub(super) id: ConversationId,
    pub(super) users: [UserId; 2],
    pub(super) size: SegmentSize,
    /// The log of the functions that serve users.
    pub(super) log: Log,
    /// The code under test.
    pub(super) subject: Rc<dyn Subject>,
    pub(super) network: Network,
    pub(super) bucket: Bucket,
    pub(super) pause: u64,
    pub(super) known: RefCell<Known>,
}

/// What users know for certain.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// Text and sender of each accepted message.
    pub(super) messages: BTreeMap<Seq, (String, UserId)>,
    /// The newest event about a message that was answered.
    pub(super) amended: BTreeMap<Seq, Seq>,
    pub(super) violations: Vec<String>,
}

impl Room {
    /// Returns the log of a process, with what it remembers.
    pub(super) fn log(network: &Network, bucket: &Bucket, size: SegmentSize) -> Log {
        let client = network.client();
        let chunks = Chunks::new(client.clone(), aws::MESSAGES.to_owned());
        Log { archive: Some(Archive::new(chunks, bucket.objects(), size)), ..aws::log(&client) }
    }

    pub(super) fn violation(&self, text: String) {
        executor::note(What::Answered(format!("violation: {text}")));
        self.known.borrow_mut().violations.push(text);
    }

    async fn wait(&self, rng: &mut StdRng) {
        executor::sleep(Duration::from_millis(rng.random_range(0..=self.pause))).await;
    }

    /// Returns the newest seq that anybody can know.
    async fn head(&self) -> Option<Seq> {
        Some(self.log.messages.head(self.id, true).await.ok()??.seq)
    }
}

/// Sends messages one after the other, each until it is accepted.
pub(super) async fn write(room: Rc<Room>, user: usize, count: usize, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    for number in 0..count {
        room.wait(&mut rng).await;
        let text = format!("{user}: {number}");
        let mut draft = Draft {
            conversation_id: room.id,
            sender_id: room.users[user],
            client_message_id: ClientMessageId(random_id(&mut rng)),
            after_seq: room.head().await.or(Some(Seq(1))),
            content: Content::new(text.clone(), None, Vec::new()).expect("a short text"),
            attachment_ids: Vec::new(),
        };
        let mut accepted = None;
        for _ in 0..MAX_ROUNDS {
            match send(&room.log, &draft).await {
                Ok(seq) => accepted = Some(seq),
                // The client syncs, and finds its message if an earlier attempt has written it.
                Err(SendError::Behind) => match sync(&room, &draft).await {
                    Some((Some(seq), _)) => accepted = Some(seq),
                    Some((None, head)) => draft.after_seq = Some(head),
                    None => {}
                },
                Err(SendError::Contended | SendError::Store(store::StoreError::Busy { .. })) => {}
                Err(error) => return room.violation(format!("a send failed: {error:?}")),
            }
            if accepted.is_some() {
                break;
            }
        }
        let Some(seq) = accepted else { return room.violation(format!("{text} was never accepted")) };
        executor::note(What::Answered(format!("{text} has {seq}")));
        room.known.borrow_mut().messages.insert(seq, (text, room.users[user]));
    }
}

async fn send(log: &Log, draft: &Draft) -> Result<Seq, SendError> {
    Ok(log.open(draft).await?.append().await?.item.seq)
}

/// Reads the log as a client does that is behind: the seq of its message, if that is there, and the head.
async fn sync(room: &Room, draft: &Draft) -> Option<(Option<Seq>, Seq)> {
    let items = Items { messages: room.log.messages.clone(), archive: room.log.archive.clone() };
    let range = SeqRange { first: Seq(1), last: Seq::MAX };
    let read = items.read(room.id, range, Order::Ascending, usize::MAX, true).await.ok()?;
    let own = read.iter().find(|item| item.client_message_id == Some(draft.client_message_id));
    Some((own.map(|item| item.seq), read.last()?.seq))
}

/// Amends messages one after the other, old ones as well, each until that is answered.
pub(super) async fn amend(room: Rc<Room>, user: usize, count: usize, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    for number in 0..count {
        room.wait(&mut rng).await;
        let (targets, own): (Vec<Seq>, Vec<Seq>) = {
            let known = room.known.borrow();
            let own = known.messages.iter().filter(|(_, (_, sender))| *sender == room.users[user]);
            (known.messages.keys().copied().collect(), own.map(|(seq, _)| *seq).collect())
        };
        if targets.is_empty() || own.is_empty() {
            continue;
        }
        let (target, amendment) = match rng.random_range(0..10) {
            0..6 => {
                let emoji = Emoji::parse(EMOJI[rng.random_range(0..EMOJI.len())]).expect("an emoji");
                (targets[rng.random_range(0..targets.len())], Amendment::React { emoji, on: rng.random_bool(0.7) })
            }
            6..9 => {
                let content = Content::new(format!("{user}: edit {number}"), None, Vec::new()).expect("a short text");
                (own[rng.random_range(0..own.len())], Amendment::Edit(content))
            }
            _ => (own[rng.random_range(0..own.len())], Amendment::Delete),
        };
        executor::note(What::Amends(format!("{target}: {amendment:?}")));
        for round in 0.. {
            let crash = rng.random_bool(0.2).then(|| rng.random_range(1..POLLS));
            let amend = room.log.amend(room.id, room.users[user], target, &amendment, EDIT_WINDOW);
            let answer = unless_crashed(amend, crash).await;
            let answer = answer.map(|answer| answer.map_err(|error| ApiError::from(error).code));
            match answer {
                Some(Ok(amended)) => {
                    if let Some(event) = amended.event {
                        room.known.borrow_mut().amended.insert(target, event.seq);
                    }
                    break;
                }
                Some(Err(ErrorCode::MessageDeleted | ErrorCode::TooManyEdits)) => break,
                None | Some(Err(ErrorCode::Busy)) if round < MAX_ROUNDS => {}
                answer => {
                    return room.violation(format!("an amendment of {target} failed: {:?}", answer.map(Result::err)));
                }
            }
        }
    }
}

/// Archives segments in no order, folds changes into chunks, and crashes in between.
pub(super) async fn archive(room: Rc<Room>, count: usize, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..count {
        room.wait(&mut rng).await;
        let Some(head) = room.head().await else { continue };
        let segments: Vec<SeqRange> = room.size.movable(head).collect();
        if segments.is_empty() {
            continue;
        }
        let (segment, fold) = (segments[rng.random_range(0..segments.len())], rng.random_bool(0.6));
        let crash = rng.random_bool(0.4).then(|| rng.random_range(1..POLLS));
        let settled = unless_crashed(room.subject.settle(room.id, segment, fold), crash).await;
        executor::note(What::Answered(format!("segment {}, fold {fold}: {settled:?}", segment.first)));
        if let Some(Outcome::Failed(error)) = settled {
            return room.violation(format!("the segment from {} on: {error}", segment.first));
        }
    }
}

/// Reads the log page by page, from either end, and single items; all has to be there that users know.
pub(super) async fn read(room: Rc<Room>, count: usize, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..count {
        room.wait(&mut rng).await;
        let before = room.known.borrow().clone();
        let order = if rng.random() { Order::Ascending } else { Order::Descending };
        let limit = rng.random_range(1..=7);
        match pages(&room, order, limit).await {
            Ok(Some(items)) => super::check::check_read(&room, &before, &items),
            Ok(None) => {}
            Err(error) => return room.violation(format!("a page cannot be read: {error:?}")),
        }
        let seqs: Vec<Seq> = before.messages.keys().copied().collect();
        if let Some(seq) = (!seqs.is_empty()).then(|| seqs[rng.random_range(0..seqs.len())]) {
            match room.subject.find(room.id, seq).await {
                Ok(Some(item)) => super::check::check_item(&room, &before, &item),
                Ok(None) => room.violation(format!("{seq} is not there")),
                Err(store::StoreError::Busy { .. }) => {}
                Err(error) => room.violation(format!("{seq} cannot be read: {error:?}")),
            }
        }
    }
}

/// Reads all pages, oldest item first; `None` if the services are busy.
pub(super) async fn pages(room: &Room, order: Order, limit: usize) -> Result<Option<Vec<LogItem>>, store::StoreError> {
    let (mut range, mut items) = (SeqRange { first: Seq(1), last: Seq::MAX }, Vec::new());
    loop {
        let mut tries = 0;
        let part = loop {
            match room.subject.read(room.id, range, order, limit).await {
                Err(store::StoreError::Busy { .. }) if tries < MAX_ROUNDS => tries += 1,
                Err(store::StoreError::Busy { .. }) => return Ok(None),
                part => break part?,
            }
        };
        let last = part.items.last().map(|item| item.seq).filter(|_| part.more);
        items.extend(part.items);
        match (last, order) {
            (Some(last), Order::Ascending) => range.first = last.next(),
            (Some(last), Order::Descending) => range.last = last.previous(),
            (None, _) => break,
        }
        if range.first > range.last {
            break;
        }
    }
    if order == Order::Descending {
        items.reverse();
    }
    Ok(Some(items))
}

/// Returns the rows that the table has of the log.
pub(super) async fn rows(room: &Room) -> Vec<LogItem> {
    let messages: &Messages = &room.log.messages;
    let range = SeqRange { first: Seq(1), last: Seq::MAX };
    messages.read(room.id, range, Order::Ascending, usize::MAX, true).await.expect("a read without faults")
}
