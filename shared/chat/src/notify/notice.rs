//! Notices: messages of one send that are pushed together, one frame for each connection.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use domain::page::{Page, Room};
use domain::protocol::Push;
use domain::{Address, ApiError, Message, Pushed, Seq, Timestamp, UserId};
use futures_util::future::join_all;
use store::connections_api::{Frame, encode};

use super::{Audience, Notifier};

/// Messages with the same members at their seqs, and the connections of these.
#[derive(Debug)]
pub struct Notice {
    pub audience: Audience,
    /// Messages of one conversation, the lowest seq first.
    pub messages: Vec<Message>,
}

/// The messages that one connection receives.
#[derive(Debug)]
struct Received<'n> {
    user_id: UserId,
    messages: Vec<&'n Message>,
}

impl Notifier {
    /// Posts the messages of one send to their audiences, except to the connection that gets the answer, and removes connections
    /// that are gone. Members who joined after a message do not receive it, even if its sender resends it.
    ///
    /// Each connection gets one frame with all that it receives, more only if they do not fit. Messages whose audience is
    /// incomplete, or all if the posts took more than a second together, are left to the `fanout` worker.
    /// Cost: one post per connection; one request to SQS if it queues. Fails only if a message cannot be written as JSON.
    pub async fn notices(&self, notices: &[Notice], except: Option<&str>) -> Result<(), ApiError> {
        let expired = notices.iter().map(|notice| self.end_expired(&notice.audience.expired));
        let (pushed, _) = tokio::join!(self.post(notices, except), join_all(expired));
        let pushed = pushed?;
        let again = notices.iter().map(async |Notice { audience, messages }| {
            let again = self.again(&audience.recipients, &pushed.gone).await;
            Notice { audience: again, messages: messages.clone() }
        });
        let again = if pushed.gone.is_empty() { Vec::new() } else { join_all(again).await };
        let in_time = pushed.in_time && (again.is_empty() || self.post(&again, except).await?.in_time);
        let is_missed = |(at, notice): &(usize, &Notice)| {
            !(in_time && notice.audience.complete && again.get(*at).is_none_or(|again| again.audience.complete))
        };
        let missed = notices.iter().enumerate().filter(is_missed);
        let missed: Vec<&Message> = missed.flat_map(|(_, notice)| &notice.messages).collect();
        if let Some(first) = missed.first() {
            let seqs = missed.iter().map(|message| message.seq).collect();
            self.fanout().fan_out(first.conversation_id, seqs).await;
        }
        for Notice { audience, .. } in notices {
            self.recipients().remove_gone(&audience.recipients, &pushed.gone, Timestamp::now()).await;
        }
        Ok(())
    }

    /// Posts the messages to their audiences, except to one connection.
    async fn post(&self, notices: &[Notice], except: Option<&str>) -> Result<Pushed, ApiError> {
        let mut groups: BTreeMap<_, (Vec<String>, Vec<&str>)> = BTreeMap::new();
        for (connection_id, received) in received(notices, except) {
            match groups.entry(received.key()) {
                Entry::Vacant(group) => drop(group.insert((received.write()?, vec![connection_id]))),
                Entry::Occupied(mut group) => group.get_mut().1.push(connection_id),
            }
        }
        let posts = groups.values().flat_map(|(frames, connection_ids)| {
            let to = |connection_id| frames.iter().map(move |json| Frame { connection_id, json });
            connection_ids.iter().copied().flat_map(to)
        });
        Ok(self.api().push(posts).await)
    }
}

/// Returns what each connection receives.
fn received<'n>(notices: &'n [Notice], except: Option<&str>) -> BTreeMap<&'n str, Received<'n>> {
    let mut all: BTreeMap<&str, Received<'_>> = BTreeMap::new();
    for Notice { audience, messages } in notices {
        for recipient in &audience.recipients {
            let Address { user_id, connection_id } = recipient.address();
            if Some(connection_id) != except {
                let received = all.entry(connection_id).or_insert_with(|| Received { user_id, messages: Vec::new() });
                received.messages.extend(messages.iter().filter(|message| recipient.joined_seq <= message.seq));
            }
        }
    }
    all
}

impl Received<'_> {
    /// Returns what decides the frames: whether the user is the sender, and the messages.
    fn key(&self) -> (bool, Vec<Seq>) {
        let is_sender = self.messages.iter().any(|message| message.sender_id == self.user_id);
        (is_sender, self.messages.iter().map(|message| message.seq).collect())
    }

    /// Writes the frames: the sender's with each `client_message_id`, those of others without.
    fn write(&self) -> Result<Vec<String>, ApiError> {
        let shown = |message: &&Message| {
            let client_message_id = message.client_message_id.filter(|_| message.sender_id == self.user_id);
            Message { client_message_id, ..(*message).clone() }
        };
        let mut messages: Vec<Message> = self.messages.iter().map(shown).collect();
        if messages.len() <= 1 {
            return messages.pop().map(|message| encode(&Push::from(message))).into_iter().collect();
        }
        let pages = Page::split(messages, Room::of_frame()).map_err(ApiError::internal)?;
        pages.into_iter().map(|messages| encode(&Push::Messages { messages })).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::page::MAX_FRAME_BYTES;
    use domain::{Connection, Content, ConversationId, MessageId, MessageKind};
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::notify::Recipient;

    const SENDER: UserId = UserId(Uuid::from_u128(1));
    const BOB: UserId = UserId(Uuid::from_u128(2));
    const CAROL: UserId = UserId(Uuid::from_u128(3));

    fn message(seq: u64, text: &str) -> Message {
        let at = Timestamp::from_epoch_millis(0);
        Message {
            conversation_id: ConversationId(Uuid::nil()),
            seq: Seq(seq),
            message_id: MessageId::generate(at),
            sender_id: SENDER,
            sent_at: at,
            client_message_id: Some(domain::ClientMessageId(Uuid::nil())),
            edited_at: None,
            reactions: Vec::new(),
            kind: MessageKind::Text(Content::new(text.to_owned(), None, Vec::new()).unwrap()),
        }
    }

    fn recipient(user_id: UserId, connection_id: &str, joined_seq: u64) -> Recipient {
        let connected_at = Timestamp::from_epoch_millis(0);
        let connection = Connection { user_id, connection_id: connection_id.to_owned(), connected_at, exp: 0 };
        Recipient::connected(connection, Seq(joined_seq))
    }

    fn seqs(frames: &[String]) -> Vec<Vec<u64>> {
        let seqs = |frame: &String| -> Vec<u64> {
            let frame: Value = serde_json::from_str(frame).unwrap();
            let messages = frame["messages"].as_array().cloned().unwrap_or_else(|| vec![frame["message"].clone()]);
            messages.iter().map(|message| message["seq"].as_u64().unwrap()).collect()
        };
        frames.iter().map(seqs).collect()
    }

    #[test]
    fn each_connection_receives_the_messages_of_its_members_at_their_seqs() {
        let before = Notice {
            audience: Audience::of(vec![
                recipient(SENDER, "sending", 1),
                recipient(SENDER, "other", 1),
                recipient(BOB, "bob", 1),
            ]),
            messages: vec![message(2, "one"), message(3, "two")],
        };
        // bob was removed, and carol was added, between the messages of the batch.
        let after = Notice {
            audience: Audience::of(vec![
                recipient(SENDER, "sending", 1),
                recipient(SENDER, "other", 1),
                recipient(CAROL, "carol", 7),
            ]),
            messages: vec![message(6, "three"), message(8, "four")],
        };
        let notices = [before, after];
        let received = received(&notices, Some("sending"));
        let frames: BTreeMap<&str, Vec<Vec<u64>>> =
            received.iter().map(|(id, received)| (*id, seqs(&received.write().unwrap()))).collect();
        let expected = [("bob", vec![vec![2, 3]]), ("carol", vec![vec![8]]), ("other", vec![vec![2, 3, 6, 8]])];
        assert_eq!(frames, expected.into());
        let own: Value = serde_json::from_str(&received["other"].write().unwrap()[0]).unwrap();
        let others: Value = serde_json::from_str(&received["bob"].write().unwrap()[0]).unwrap();
        assert_eq!((&own["type"], &own["messages"][0]["client_message_id"]), (&json!("messages"), &json!(Uuid::nil())));
        assert_eq!(others["messages"][0].get("client_message_id"), None);
        let one: Value = serde_json::from_str(&received["carol"].write().unwrap()[0]).unwrap();
        assert_eq!(one["type"], "message");
    }

    #[test]
    fn messages_beyond_one_frame_go_into_the_next() {
        // Each control takes six bytes of JSON.
        let text = format!("x{}", "\u{1}".repeat(8_000));
        let messages: Vec<Message> = (2..=6).map(|seq| message(seq, &text)).collect();
        let audience = Audience::of(vec![recipient(BOB, "bob", 1)]);
        let notices = [Notice { audience, messages }];
        let frames = received(&notices, None)["bob"].write().unwrap();
        assert!(frames.iter().all(|frame| frame.len() <= MAX_FRAME_BYTES));
        assert_eq!(seqs(&frames), [vec![2, 3], vec![4, 5], vec![6]]);
    }
}
