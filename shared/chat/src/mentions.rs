//! The messages that mention a user, over all conversations that the user is in.
//!
//! What the stream has recorded only proposes: every message is read from the log again, as history shows it, and has to mention the user
//! still. So deleted, erased and expired messages are left out, as are those of conversations that the user is no member of.

use std::collections::{BTreeMap, HashMap};

use domain::mention::is_mentioned;
use domain::page::{Page, Room};
use domain::{ConversationId, MentionPosition, Message, Seq, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::StoreError;
use store::dynamodb::Mentions;

use crate::log::{Log, ReadError};

/// Positions that one request reads.
const READ_AT_ONCE: usize = 51;

/// Requests for positions after which a page ends although it is not full.
const MAX_ROUNDS: usize = 5;

/// Conversations whose messages are read at once.
const CONCURRENCY: usize = 16;

/// The list of a user's mentions.
#[derive(Clone, Debug)]
pub struct MentionList {
    pub mentions: Mentions,
    pub log: Log,
}

impl MentionList {
    /// Returns up to `limit` messages before `before` that mention `user`, newest first, and the cursor of the next page.
    ///
    /// A page may have fewer and not be the last, if hundreds of messages that were recorded are hidden by now.
    ///
    /// Cost: a request for each 51 positions, and one for the users who are blocked; a transaction of six read units for each conversation of
    /// them, then a read unit or more for each message.
    pub async fn page(
        &self,
        user: UserId,
        mut before: Option<MentionPosition>,
        limit: usize,
    ) -> Result<(Vec<Message>, Option<MentionPosition>), ReadError> {
        let mut messages = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let positions = self.mentions.newest(user, before, READ_AT_ONCE).await?;
            before = positions.last().copied().filter(|_| positions.len() == READ_AT_ONCE);
            let mut shown = self.shown(user, &positions).await?;
            messages.extend(positions.iter().filter_map(|position| shown.remove(position)));
            if before.is_none() || messages.len() > limit {
                break;
            }
        }
        let page = Page::cut(messages, limit, Room::of_body()).map_err(StoreError::from)?;
        let next = page.cursor(MentionPosition::of).or(before);
        Ok((page.items, next))
    }

    /// Reads those of the messages at these positions that mention the user as the user sees them, and whose sender the user does not block.
    async fn shown(
        &self,
        user: UserId,
        positions: &[MentionPosition],
    ) -> Result<HashMap<MentionPosition, Message>, ReadError> {
        let mut by_conversation: BTreeMap<ConversationId, Vec<Seq>> = BTreeMap::new();
        for position in positions {
            by_conversation.entry(position.conversation_id).or_default().push(position.seq);
        }
        let shown = stream::iter(by_conversation).map(|(conversation, seqs)| async move {
            match self.log.shown_to_member(conversation, user, &seqs).await {
                Err(ReadError::NeverAMember | ReadError::NotAMember) => Ok(Vec::new()),
                shown => shown,
            }
        });
        let shown: Vec<Vec<Message>> = shown.buffer_unordered(CONCURRENCY).try_collect().await?;
        let mut messages: Vec<Message> = shown.into_iter().flatten().collect();
        messages.retain(|message| is_mentioned(user, message));
        let senders: Vec<UserId> = messages.iter().map(|message| message.sender_id).collect();
        let blocked = self.log.members.blocked_among(user, &senders).await?;
        messages.retain(|message| !blocked.contains(&message.sender_id));
        Ok(messages.into_iter().map(|message| (MentionPosition::of(&message), message)).collect())
    }
}
