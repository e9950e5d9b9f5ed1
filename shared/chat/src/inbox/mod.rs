//! A user's conversations as the user sees them: head, unread messages, read watermark. From DynamoDB alone.

mod answer;

use domain::conversation::Conversation;
use domain::page::{Page, Room};
use domain::period::SeqRange;
use domain::protocol::sync::SyncedConversation;
use domain::protocol::{SyncRequest, Synced};
use domain::receipt::Watermark;
use domain::{ConversationId, Periods, Seq, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use store::StoreError;
use store::dynamodb::members::MemberView;
use store::dynamodb::{LogItem, Watermarks};

use self::answer::{cut, without_items};
use crate::log::{Log, PageRequest, ReadError};

/// Conversations that are read concurrently.
const CONCURRENCY: usize = 16;

/// Conversations of a page of a list.
const PAGE_SIZE: usize = 50;

/// Most items of one conversation in one answer.
const MAX_ITEMS_PER_CONVERSATION: usize = 100;

/// Reads a user's conversations.
#[derive(Clone, Debug)]
pub struct Inbox {
    /// The logs, with the rules for reading them.
    pub log: Log,
    pub watermarks: Watermarks,
}

impl Inbox {
    /// A conversation as the user sees it. A former member does not see the current title, topic and members.
    ///
    /// Cost: two round trips. The first reads the membership, the head and the user's watermark; the second the unread count,
    /// and the newest message if the head is an event.
    pub async fn conversation(&self, id: ConversationId, user: UserId) -> Result<Conversation, ReadError> {
        loop {
            let read = async { Ok(self.watermarks.read_state(id, user).await?) };
            let ((view, head), (read, settings)) = tokio::try_join!(self.log.newest(id, user), read)?;
            let newest = head.as_ref().map_or(Seq::ZERO, |head| head.seq);
            // Nothing is unread for the system, which has no watermark.
            let read_seq = read.map_or(if user.is_system() { newest } else { Seq::ZERO }, |Watermark { seq, .. }| seq);
            // Later items are pushed, and counted by the client that receives them.
            let unread = SeqRange { first: read_seq.next(), last: newest };
            let (message, unread) = tokio::try_join!(
                self.newest_message(id, &view.periods, head.as_ref()),
                self.log.unread(id, user, &view.periods, unread)
            )?;
            if message.membership_seq.max(unread.membership_seq) > view.conversation.members_seq {
                // Members changed between the reads.
                continue;
            }
            // A member who has just joined a public conversation has seen all that is visible to them, and sends after that.
            let (expired_seq, before) = (view.expired_seq(), view.start());
            let MemberView { conversation: item, active, periods, .. } = view;
            let pinned = item.pinned_seqs.iter().copied();
            let pinned_seqs = pinned.filter(|seq| active.is_some() && periods.covers(*seq)).collect();
            return Ok(Conversation {
                conversation_id: id,
                kind: item.kind,
                title: active.and(item.title),
                topic: active.and(item.topic),
                custom: active.and(item.custom),
                pinned_seqs,
                peer_id: item
                    .pair
                    .filter(|pair| pair.contains(&user))
                    .and_then(|pair| pair.into_iter().find(|other| *other != user)),
                history: item.history,
                retention_days: active.and(item.retention_days),
                expired_seq,
                closed: item.closed,
                blocked: item.blocked_by.contains(&user),
                muted_until: active.and_then(|member| member.muted_until),
                role: active.map(|member| member.role),
                settings,
                member_count: active.map(|_| item.member_count),
                head_seq: head.as_ref().map_or(before, |item| item.seq.max(before)),
                last_message_at: head.map(|item| item.sent_at),
                last_message: message.found.map(|item| item.shown_to(user, &periods)),
                read_seq,
                unread: unread.unread,
            });
        }
    }

    /// Returns the items that a client has missed, or a page of its conversations: no more than a frame takes.
    pub async fn sync(&self, user: UserId, request: SyncRequest) -> Result<Synced, ReadError> {
        if request.cursors.is_empty() {
            return self.list(user, request.cursor).await;
        }
        let missed = stream::iter(request.cursors).map(|(id, cursor)| async move {
            match self.log.sync(id, user, cursor, MAX_ITEMS_PER_CONVERSATION).await {
                Ok(missed) => Ok(Some(missed)),
                // A client may have a cursor of a conversation that it invented.
                Err(ReadError::NeverAMember) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let missed: Vec<SyncedConversation> =
            missed.buffered(CONCURRENCY).try_filter_map(async |missed| Ok(missed)).try_collect().await?;
        let mut room = Room::of_frame();
        for conversation in &missed {
            room.reserve(&without_items(conversation)).map_err(StoreError::from)?;
        }
        let conversations = missed.into_iter().map(|missed| cut(missed, &mut room)).collect::<Result<_, _>>();
        Ok(Synced { conversations: conversations.map_err(StoreError::from)?, cursor: None })
    }

    /// Up to `limit` of the user's conversations after `after`, past ones included, oldest first, no more than a response takes,
    /// and the cursor of the next page. One query, and [`Self::conversation`] for each, some at once.
    pub async fn page(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<(Vec<Conversation>, Option<ConversationId>), ReadError> {
        let page = self.read_page(user, after, limit, Room::of_body(), |conversation| conversation).await?;
        let cursor = page.cursor(|conversation| conversation.conversation_id);
        Ok((page.items, cursor))
    }

    async fn list(&self, user: UserId, after: Option<ConversationId>) -> Result<Synced, ReadError> {
        let entry = |conversation: Conversation| SyncedConversation {
            conversation_id: conversation.conversation_id,
            messages: Vec::new(),
            hidden: Vec::new(),
            head_seq: conversation.head_seq,
            expired_seq: conversation.expired_seq,
            more: conversation.head_seq > Seq::ZERO,
            // Few conversations with a large message each would fit.
            conversation: Some(Conversation { last_message: None, ..conversation }),
        };
        let page = self.read_page(user, after, PAGE_SIZE, Room::of_frame(), entry).await?;
        let cursor = page.cursor(|listed| listed.conversation_id);
        Ok(Synced { conversations: page.items, cursor })
    }

    async fn read_page<T: Serialize>(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
        room: Room,
        entry: impl Fn(Conversation) -> T,
    ) -> Result<Page<T>, ReadError> {
        let mut ids = self.log.members.of_user(user, after, limit + 1).await?;
        let more = ids.len() > limit;
        ids.truncate(limit);
        let listed = stream::iter(ids).map(|id| async move {
            match self.conversation(id, user).await {
                // An import has written its members, and is about to make it visible.
                Err(ReadError::NeverAMember) => Ok(None),
                found => found.map(Some),
            }
        });
        let listed = listed.buffered(CONCURRENCY).try_filter_map(async |found| Ok(found));
        let conversations: Vec<Conversation> = listed.try_collect().await?;
        let mut page = Page::cut(conversations.into_iter().map(entry), limit, room).map_err(StoreError::from)?;
        page.more |= more;
        Ok(page)
    }

    /// Returns the newest item that is not an event: the head or an earlier item. `None` if more than a thousand events follow
    /// it.
    async fn newest_message(
        &self,
        id: ConversationId,
        periods: &Periods,
        head: Option<&LogItem>,
    ) -> Result<Newest, StoreError> {
        let no_event = |item: &LogItem| !item.kind.is_event();
        match head {
            Some(event) if !no_event(event) => {
                let read = self.log.visible(id, periods, PageRequest::Before(event.seq), 1, no_event).await?;
                Ok(Newest { found: read.items.into_iter().next(), membership_seq: read.newest_members_seq })
            }
            head => Ok(Newest { found: head.cloned(), membership_seq: Seq::ZERO }),
        }
    }
}

/// The newest message, and the newest membership change that the read knew of: with periods from before that change it is
/// unknown whether it may be shown.
struct Newest {
    found: Option<LogItem>,
    membership_seq: Seq,
}
