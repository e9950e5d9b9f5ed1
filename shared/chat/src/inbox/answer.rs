//! The part of what a client has missed that one answer takes.

use domain::page::Room;
use domain::protocol::sync::SyncedConversation;

/// The part of a conversation that an answer has in any case.
pub(super) fn without_items(missed: &SyncedConversation) -> SyncedConversation {
    SyncedConversation { conversation: None, messages: Vec::new(), hidden: Vec::new(), ..*missed }
}

/// Drops the messages and hidden ranges that exceed the remaining room, from the first that does.
pub(super) fn cut(missed: SyncedConversation, room: &mut Room) -> serde_json::Result<SyncedConversation> {
    let mut kept = without_items(&missed);
    let (mut messages, mut hidden) = (missed.messages.into_iter().peekable(), missed.hidden.into_iter().peekable());
    loop {
        let range_first = match (hidden.peek(), messages.peek()) {
            (Some([first, _]), Some(message)) => *first < message.seq,
            (range, _) => range.is_some(),
        };
        if range_first {
            let Some(range) = hidden.next() else { return Ok(kept) };
            if !room.admit(&range)? {
                break;
            }
            kept.hidden.push(range);
        } else {
            let Some(message) = messages.next() else { return Ok(kept) };
            if !room.admit(&message)? {
                break;
            }
            kept.messages.push(message);
        }
    }
    kept.more = true;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use domain::page::MAX_FRAME_BYTES;
    use domain::protocol::{Answer, Reply, Synced};
    use domain::{ConversationId, Message, Seq};
    use serde_json::json;

    use super::*;

    const FIRST_SEQ: u64 = Seq::MAX.0 - 1_000;

    /// A conversation with the most hidden ranges that there can be, and large messages between them.
    fn missed() -> SyncedConversation {
        let id = ConversationId::generate();
        let message = |seq: Seq| -> Message {
            let text = "\u{1}".repeat(8 * 1024);
            let message = json!({"conversation_id": id, "seq": seq, "message_id": id, "sender_id": id, "kind": "text",
                "sent_at": "2026-01-02T03:04:05.678Z", "text": text});
            serde_json::from_value(message).unwrap()
        };
        let pairs = (0..100).map(|n| [Seq(FIRST_SEQ + 4 * n), Seq(FIRST_SEQ + 4 * n + 2)]);
        let messages = (0..2).map(|n| message(Seq(FIRST_SEQ + 4 * (50 * n) + 3)));
        SyncedConversation {
            conversation_id: id,
            conversation: None,
            messages: messages.collect(),
            hidden: pairs.collect(),
            head_seq: Seq::MAX,
            expired_seq: Seq::ZERO,
            more: false,
        }
    }

    /// Removes what an answer had.
    fn rest(missed: &SyncedConversation, cursor: Seq) -> SyncedConversation {
        let mut rest = missed.clone();
        rest.messages.retain(|message| message.seq > cursor);
        rest.hidden.retain(|[_, last]| *last > cursor);
        rest
    }

    #[test]
    fn answers_fit_in_a_frame_and_have_everything_once() {
        let all: Vec<SyncedConversation> = (0..50).map(|_| missed()).collect();
        let (mut left, mut cursors) = (all.clone(), vec![Seq::ZERO; 50]);
        let (mut messages, mut ranges, mut answers) = (0, 0, 0);
        while left.iter().any(|missed| !missed.messages.is_empty() || !missed.hidden.is_empty()) {
            let mut room = Room::of_frame();
            for missed in &left {
                room.reserve(&without_items(missed)).unwrap();
            }
            let answered: Vec<_> = left.into_iter().map(|missed| cut(missed, &mut room).unwrap()).collect();
            for (cursor, answer) in cursors.iter_mut().zip(&answered) {
                messages += answer.messages.len();
                ranges += answer.hidden.len();
                let last = answer.messages.last().map(|message| message.seq);
                *cursor = last.max(answer.hidden.last().map(|[_, last]| *last)).unwrap_or(*cursor);
            }
            left = all.iter().zip(&cursors).map(|(all, cursor)| rest(all, *cursor)).collect();
            for (answer, left) in answered.iter().zip(&left) {
                assert_eq!(answer.more, !left.messages.is_empty() || !left.hidden.is_empty());
            }
            let answer = Answer::Synced(Synced { conversations: answered, cursor: None });
            let reply = Reply { reply_to: Some("\u{1}".repeat(128)), answer };
            assert!(serde_json::to_string(&reply).unwrap().len() <= MAX_FRAME_BYTES);
            answers += 1;
            assert!(answers <= 100, "every answer makes progress");
        }
        assert_eq!((messages, ranges), (100, 5_000));
    }
}
