//! The outbox against answers that come, do not come, and come late.

use domain::protocol::SentEntry;
use domain::{Content, MessageId, MessageKind, Timestamp, UserId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

fn draft(text: &str) -> Draft {
    Draft { text: text.to_owned(), ..Draft::default() }
}

fn body(code: ErrorCode) -> ErrorBody {
    let (detail, request_id) = (String::new(), String::new());
    ErrorBody { code, detail, retryable: code.retryable(), retry_after_ms: None, request_id }
}

fn error(code: ErrorCode) -> Answer {
    Answer::Error { error: body(code) }
}

fn id(frame: &Value) -> &str {
    frame["id"].as_str().unwrap()
}

/// Returns the ids of the messages that a frame carries.
fn carried(frame: &Value) -> Vec<ClientMessageId> {
    let read = |message: &Value| message["client_message_id"].as_str().unwrap().parse().unwrap();
    frame["messages"].as_array().map_or_else(|| vec![read(frame)], |messages| messages.iter().map(read).collect())
}

/// Returns the texts of the messages that a frame carries.
fn texts(frame: &Value) -> Vec<&str> {
    match frame["messages"].as_array() {
        Some(messages) => messages.iter().map(|message| message["text"].as_str().unwrap()).collect(),
        None => vec![frame["text"].as_str().unwrap()],
    }
}

/// Answers the first messages of a frame with seqs from `seq` on, and the rest with an error.
fn sent(conversation: ConversationId, frame: &Value, seqs: &[u64], rest: Option<ErrorCode>) -> Answer {
    let sent_at = Timestamp::from_epoch_millis(0);
    let entry = |(client_message_id, seq): (ClientMessageId, &u64)| SentEntry {
        client_message_id,
        seq: Seq(*seq),
        message_id: MessageId::generate(sent_at),
        sent_at,
        duplicate: false,
    };
    let messages: Vec<SentEntry> = carried(frame).into_iter().zip(seqs).map(entry).collect();
    match (frame["messages"].is_array(), messages.as_slice(), rest) {
        (_, [], Some(code)) => error(code),
        (false, [entry], None) => Answer::Sent(SentAnswer::One(entry.sent(conversation))),
        (_, _, rest) => {
            let batch = SentBatch { conversation_id: conversation, messages, error: rest.map(body) };
            Answer::Sent(SentAnswer::Batch(batch))
        }
    }
}

/// An outbox with one conversation.
struct Fixture {
    outbox: Outbox,
    pace: Pace,
    now: Instant,
    conversation: ConversationId,
    outcomes: Vec<oneshot::Receiver<Result<Sent, SendError>>>,
}

impl Fixture {
    fn new() -> Self {
        let (outbox, pace, now) = (Outbox::default(), Pace::default(), Instant::now());
        Self { outbox, pace, now, conversation: ConversationId::generate(), outcomes: Vec::new() }
    }

    fn say(&mut self, texts: &[&str]) {
        for text in texts {
            let (outcome, known) = oneshot::channel();
            self.outbox.add(self.conversation, draft(text), self.now, outcome);
            self.outcomes.push(known);
        }
    }

    /// Returns the frame that is due now; `None` if none is.
    fn frame(&mut self, cursor: u64) -> Option<Value> {
        let mut frames = self.outbox.frames(self.now, &self.pace, |_| Seq(cursor));
        assert!(frames.len() <= 1, "one frame of a conversation is under way");
        frames.pop()
    }

    fn answer(&mut self, frame: &Value, answer: Answer) -> Vec<NextStep> {
        self.outbox.answered(id(frame), answer, self.now, &self.pace)
    }

    fn sent(&mut self, frame: &Value, seqs: &[u64], rest: Option<ErrorCode>) -> Vec<NextStep> {
        self.answer(frame, sent(self.conversation, frame, seqs, rest))
    }
}

#[test]
fn resends_keep_after_seq_until_behind_and_synced() {
    let mut client = Fixture::new();
    client.say(&["hi"]);
    let first = client.frame(7).unwrap();
    assert_eq!(client.frame(9), None, "the message waits for its answer");
    client.now += client.pace.answer;
    let second = client.frame(9).unwrap();
    for field in ["client_message_id", "after_seq", "text"] {
        assert_eq!(first[field], second[field]);
    }
    assert_eq!(client.answer(&first, error(ErrorCode::Behind)), [], "a later attempt is in progress");
    let steps = client.answer(&second, error(ErrorCode::Behind));
    assert_eq!((steps, client.outbox.due()), (vec![NextStep::Sync(client.conversation)], None));
    client.outbox.caught_up(client.conversation, Seq(600), client.now);
    assert_eq!(client.frame(700).unwrap()["after_seq"], 600);
}

#[test]
fn refused_messages_are_given_up_and_busy_ones_resent() {
    let mut client = Fixture::new();
    client.say(&["hi"]);
    let frame = client.frame(1).unwrap();
    client.answer(&frame, error(ErrorCode::Busy));
    client.now += client.pace.retry.1;
    let frame = client.frame(1).unwrap();
    assert!(client.outcomes[0].try_recv().is_err());
    client.answer(&frame, error(ErrorCode::NotAMember));
    assert!(matches!(client.outcomes[0].try_recv(), Ok(Err(SendError::Refused(_)))));
    assert_eq!(client.outbox.due(), None);
}

#[test]
fn what_is_said_meanwhile_goes_together_in_the_next_frame() {
    let mut client = Fixture::new();
    client.say(&["one"]);
    let first = client.frame(1).unwrap();
    client.say(&["two", "three"]);
    assert_eq!(client.frame(1), None);
    assert_eq!(client.sent(&first, &[2], None).len(), 1);
    let second = client.frame(2).unwrap();
    assert_eq!((texts(&second), &second["after_seq"]), (vec!["two", "three"], &json!(2)));
    client.say(&["four"]);
    let delivered = client.sent(&second, &[3, 4], None);
    let seqs = delivered.iter().map(|step| match step {
        NextStep::Delivered { sent, .. } => sent.seq.0,
        NextStep::Sync(_) => 0,
    });
    assert_eq!(seqs.collect::<Vec<_>>(), [3, 4]);
    assert_eq!(texts(&client.frame(4).unwrap()), ["four"]);
    assert!(client.outcomes[..3].iter_mut().all(|outcome| matches!(outcome.try_recv(), Ok(Ok(_)))));
}

#[test]
fn batches_are_bounded_by_number_and_by_bytes() {
    let mut client = Fixture::new();
    client.say(&["short"; 60]);
    for expected in [25, 25, 10] {
        let frame = client.frame(1).unwrap();
        assert_eq!(carried(&frame).len(), expected);
        client.sent(&frame, &(2..27).collect::<Vec<_>>(), None);
    }
    // A control takes six bytes of JSON: a message of its own may exceed the bound.
    let (long, escaped) = ("x".repeat(8 * 1024), "\u{1}".repeat(8 * 1024));
    client.say(&[&long, &long, &long, &long, &escaped, &long]);
    for expected in [3, 1, 1, 1] {
        let frame = client.frame(1).unwrap();
        assert_eq!(carried(&frame).len(), expected);
        assert!(expected == 1 || frame.to_string().len() <= 32 * 1024);
        client.sent(&frame, &[2, 3, 4], None);
    }
    assert_eq!(client.outbox.due(), None);
}

#[test]
fn partial_answer_settles_the_prefix_and_the_rest_is_resent_with_its_after_seq() {
    let mut client = Fixture::new();
    client.say(&["one", "two", "three", "four"]);
    let first = client.frame(1).unwrap();
    assert_eq!(client.sent(&first, &[2, 3], Some(ErrorCode::RateLimited)).len(), 2);
    client.say(&["five"]);
    client.now += client.pace.retry.1;
    let second = client.frame(9).unwrap();
    assert_eq!((texts(&second), &second["after_seq"]), (vec!["three", "four"], &json!(1)), "nothing joins a batch");
    // A lost answer; then the first of the two is seen in the log.
    client.now += client.pace.answer;
    let third = client.frame(9).unwrap();
    assert_eq!(texts(&third), ["three", "four"]);
    let steps = client.sent(&second, &[4], Some(ErrorCode::Behind));
    assert_eq!(steps.len(), 1, "of an earlier attempt the seqs count, and not the error");
    let steps = client.sent(&third, &[4], Some(ErrorCode::Behind));
    assert_eq!(steps, [NextStep::Sync(client.conversation)]);
    client.outbox.caught_up(client.conversation, Seq(12), client.now);
    let fourth = client.frame(20).unwrap();
    assert_eq!((texts(&fourth), &fourth["after_seq"]), (vec!["four"], &json!(12)));
    client.sent(&fourth, &[13], None);
    let fifth = client.frame(20).unwrap();
    assert_eq!((texts(&fifth), &fifth["after_seq"]), (vec!["five"], &json!(20)));
}

#[test]
fn messages_of_a_refused_batch_get_their_own_verdicts() {
    let mut client = Fixture::new();
    client.say(&["one", "refused", "three"]);
    let batch = client.frame(1).unwrap();
    client.answer(&batch, error(ErrorCode::FileNotReady));
    client.say(&["four"]);
    for (text, verdict) in [("one", None), ("refused", Some(ErrorCode::FileNotReady)), ("three", None)] {
        let frame = client.frame(5).unwrap();
        assert_eq!((texts(&frame), &frame["after_seq"]), (vec![text], &json!(1)));
        assert!(frame.get("messages").is_none(), "the form that every server knows");
        client.sent(&frame, if verdict.is_none() { &[2] } else { &[] }, verdict);
    }
    let outcomes: Vec<bool> =
        client.outcomes[..3].iter_mut().map(|outcome| outcome.try_recv().unwrap().is_ok()).collect();
    assert_eq!(outcomes, [true, false, true]);
    assert_eq!(client.frame(5).unwrap()["after_seq"], 5, "the next batch begins anew");
}

/// Items that the model's log may be ahead of an `after_seq`.
const MODEL_MAX_BEHIND: usize = 12;

/// A log that keeps the server's promises and no others: a message is looked for after `after_seq` alone.
struct Model {
    log: Vec<Option<ClientMessageId>>,
    rng: StdRng,
}

impl Model {
    /// Executes a frame, which may end after any message. Returns the answer.
    fn execute(&mut self, conversation: ConversationId, frame: &Value) -> Answer {
        let after = usize::try_from(frame["after_seq"].as_u64().unwrap()).unwrap();
        let too_far = self.log.len() - after > MODEL_MAX_BEHIND;
        let (mut seqs, mut rest) = (Vec::new(), None);
        for message in carried(frame) {
            let read = &self.log[after..];
            if let Some(at) = read.iter().take(MODEL_MAX_BEHIND).position(|item| *item == Some(message)) {
                seqs.push((after + at + 1) as u64);
                continue;
            }
            if too_far {
                rest = Some(ErrorCode::Behind);
                break;
            }
            if self.rng.random_bool(0.15) {
                rest = Some(ErrorCode::Busy);
                break;
            }
            while self.rng.random_bool(0.2) {
                self.log.push(None);
            }
            self.log.push(Some(message));
            seqs.push(self.log.len() as u64);
        }
        sent(conversation, frame, &seqs, rest)
    }
}

/// Frames are lost, executed late and in any order, and their answers are lost.
#[test]
fn every_message_is_in_the_log_once_and_in_order_whatever_is_lost() {
    for seed in 0..2_000 {
        let mut client = Fixture::new();
        let mut model = Model { log: vec![None], rng: StdRng::seed_from_u64(seed) };
        let mut under_way: Vec<Value> = Vec::new();
        let (mut cursor, mut said, mut wants_sync) = (1, 0, false);
        for step in 0.. {
            assert!(step < 10_000, "seed {seed}: it does not end");
            if said == 12 && client.outbox.due().is_none() && !wants_sync {
                break;
            }
            client.now += client.pace.retry.1;
            while said < 12 && model.rng.random_bool(0.5) {
                client.say(&["hi"]);
                said += 1;
            }
            under_way.extend(client.frame(cursor as u64));
            if !under_way.is_empty() && model.rng.random_bool(0.7) {
                let frame = under_way.swap_remove(model.rng.random_range(0..under_way.len()));
                let answer = model.execute(client.conversation, &frame);
                if model.rng.random_bool(0.6) {
                    wants_sync |= client.answer(&frame, answer).iter().any(|step| matches!(step, NextStep::Sync(_)));
                }
                if model.rng.random_bool(0.3) {
                    // The network repeats it later.
                    under_way.push(frame);
                }
            }
            let head = if wants_sync { model.log.len() } else { model.rng.random_range(cursor..=model.log.len()) };
            if wants_sync || model.rng.random_bool(0.3) {
                for (seq, id) in (cursor as u64 + 1..).zip(&model.log[cursor..head]) {
                    client.outbox.seen(&item(seq, *id));
                }
                cursor = head;
            }
            if wants_sync {
                client.outbox.caught_up(client.conversation, Seq(cursor as u64), client.now);
                wants_sync = false;
            }
        }
        for frame in under_way {
            model.execute(client.conversation, &frame);
        }
        let outcomes: Vec<u64> =
            client.outcomes.iter_mut().map(|outcome| outcome.try_recv().unwrap().unwrap().seq.0).collect();
        let logged: Vec<u64> = (1..).zip(&model.log).filter_map(|(seq, item)| item.map(|_| seq)).collect();
        assert_eq!(outcomes, logged, "seed {seed}: each message has one seq, and they are in order");
    }
}

fn item(seq: u64, client_message_id: Option<ClientMessageId>) -> Message {
    let sent_at = Timestamp::from_epoch_millis(0);
    Message {
        conversation_id: ConversationId(Uuid::nil()),
        seq: Seq(seq),
        message_id: MessageId::generate(sent_at),
        sender_id: UserId(Uuid::nil()),
        sent_at,
        client_message_id,
        edited_at: None,
        reactions: Vec::new(),
        kind: MessageKind::Text(Content::new("hi".to_owned(), None, Vec::new()).unwrap()),
    }
}
