//! History: what one user may see of a log, page by page.

use domain::error::causes;
use domain::page::{self, Room};
use domain::period::SeqRange;
use domain::{ApiError, ConversationId, ErrorCode, Message, Periods, Seq, UserId};
use store::StoreError;
use store::dynamodb::members::MemberView;
use store::dynamodb::messages::{LogItem, Order};

use super::Log;

/// Most items that one query reads while few of them pass the filter.
const MAX_ITEMS_PER_QUERY: usize = 500;

/// Most items that one read scans. It skips reactions, edits and the reader's own messages, and other members must not be able
/// to make a read expensive with them.
const MAX_SCANNED_ITEMS: usize = 1_000;

/// Most requests of one read that end because they have read 1 MB: members must not be able to make a read expensive with large
/// messages either.
const MAX_SCANNED_MEGABYTES: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageRequest {
    /// The oldest visible items after this seq.
    After(Seq),
    /// The newest visible items before this seq; [`Seq::MAX`] for the newest of all.
    Before(Seq),
}

/// Reasons for which a user may not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The user was never a member, or the conversation does not exist. The two cases are indistinguishable on purpose.
    #[error("the user was never a member of the conversation")]
    NeverAMember,
    /// The user is a former member, and the request is for current members.
    #[error("the user is no longer a member of the conversation")]
    NotAMember,
    /// The user was deleted.
    #[error("the user is deleted")]
    UserDeleted,
    /// There is no text at the seq, or the user cannot see it.
    #[error("no text message has this seq")]
    NoText,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NeverAMember => Self::new(ErrorCode::ConversationNotFound, "The conversation does not exist."),
            ReadError::NotAMember => Self::new(ErrorCode::NotAMember, "You are not a member of this conversation."),
            ReadError::UserDeleted => Self::user_deleted(),
            ReadError::NoText => Self::new(ErrorCode::MessageNotFound, "No text message has this seq."),
            ReadError::Store(error) => error.into(),
        }
    }
}

/// Requires that the user is or was a member.
pub fn require_reader(view: Option<MemberView>) -> Result<MemberView, ReadError> {
    match view {
        None => Err(ReadError::NeverAMember),
        Some(view) if view.user_deleted => Err(ReadError::UserDeleted),
        Some(view) => Ok(view),
    }
}

/// Requires that the user is a member.
pub fn require_member(view: Option<MemberView>) -> Result<MemberView, ReadError> {
    let view = require_reader(view)?;
    if view.active.is_some() { Ok(view) } else { Err(ReadError::NotAMember) }
}

/// A page of history.
#[derive(Debug, PartialEq)]
pub struct Page {
    /// Visible items, oldest first. There may be fewer than requested if they are large, and fewer or none if the log has long
    /// runs of events.
    pub messages: Vec<Message>,
    /// Seq at which the next page continues in the requested direction; `None` on the last page.
    pub next: Option<Seq>,
    /// Everything up to this seq has expired.
    pub expired_seq: Seq,
}

/// The part of a history around one seq.
#[derive(Debug, PartialEq)]
pub struct Surroundings {
    /// Visible items, oldest first.
    pub messages: Vec<Message>,
    /// True if there are earlier messages.
    pub more_before: bool,
    /// True if there are later messages.
    pub more_after: bool,
    /// Everything up to this seq has expired.
    pub expired_seq: Seq,
}

impl Log {
    /// Opens the connection to DynamoDB during init, when time is free: half a read unit.
    pub async fn warm_up(&self) {
        if let Err(error) = self.messages.head(ConversationId(uuid::Uuid::nil()), false).await {
            tracing::warn!(connection = "DynamoDB", error = causes(&error), "a connection was not opened during init");
        }
    }

    /// Up to `limit` messages that `user` may see, without the events about them, and no more than a response takes.
    ///
    /// Exact while members join and leave: each item has the seq of the newest membership change before it, and a page with a
    /// newer one than the periods it was read by is read again.
    pub async fn history(
        &self,
        conversation: ConversationId,
        user: UserId,
        request: PageRequest,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.page(conversation, user, request, limit, LogItem::shown_to).await
    }

    /// The same with the users who reacted.
    pub(crate) async fn exported(
        &self,
        conversation: ConversationId,
        user: UserId,
        request: PageRequest,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.page(conversation, user, request, limit, LogItem::exported_to).await
    }

    async fn page(
        &self,
        conversation: ConversationId,
        user: UserId,
        request: PageRequest,
        limit: usize,
        show: fn(LogItem, UserId, &Periods) -> Message,
    ) -> Result<Page, ReadError> {
        let (view, items, stopped_at) = loop {
            let view = self.view(conversation, user).await?;
            let read = self.visible(conversation, &view.periods, request, limit + 1, is_no_event).await?;
            if read.newest_members_seq <= view.conversation.members_seq {
                break (view, read.items, read.stopped_at);
            }
        };
        let messages = items.into_iter().map(|item| show(item, user, &view.periods));
        let page = page::Page::cut(messages, limit, Room::of_body()).map_err(StoreError::from)?;
        let next = page.cursor(|message| message.seq).or(stopped_at);
        let mut messages = page.items;
        if matches!(request, PageRequest::Before(_)) {
            messages.reverse();
        }
        Ok(Page { messages, next, expired_seq: view.expired_seq() })
    }

    /// Up to `limit` messages that `user` may see, as [`Log::history`] shows them: half of them older than `seq`, the others
    /// from there on. Each half takes at most half of a response. The seq need not be visible to the user.
    pub async fn around(
        &self,
        conversation: ConversationId,
        user: UserId,
        seq: Seq,
        limit: usize,
    ) -> Result<Surroundings, ReadError> {
        let (older, newer) = (limit / 2, limit - limit / 2);
        loop {
            let view = self.view(conversation, user).await?;
            let read = |request, limit| self.visible(conversation, &view.periods, request, limit, is_no_event);
            let (before, after) = tokio::try_join!(
                read(PageRequest::Before(seq), older + 1),
                read(PageRequest::After(seq.previous()), newer + 1)
            )?;
            if before.newest_members_seq.max(after.newest_members_seq) > view.conversation.members_seq {
                continue;
            }
            let half = |read: Visible, limit| {
                let messages = read.items.into_iter().map(|item| item.shown_to(user, &view.periods));
                let half = page::Page::cut(messages, limit, Room::of_body().half())?;
                let more = half.more || read.stopped_at.is_some();
                Ok::<_, StoreError>((half.items, more))
            };
            let ((mut messages, more_before), (after, more_after)) = (half(before, older)?, half(after, newer)?);
            messages.reverse();
            messages.extend(after);
            return Ok(Surroundings { messages, more_before, more_after, expired_seq: view.expired_seq() });
        }
    }

    /// Returns what the user may see.
    pub async fn view(&self, conversation: ConversationId, user: UserId) -> Result<MemberView, ReadError> {
        crate::log::require_reader(self.members.view(conversation, user).await?)
    }

    /// Returns what the user may see, and the newest visible item. Cost: two concurrent requests; one more if the head is
    /// hidden from the user, or is newer than a membership change that the first read did not include.
    pub async fn newest(
        &self,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<(MemberView, Option<LogItem>), ReadError> {
        let head = async { Ok(self.messages.head(conversation, true).await?) };
        let (mut view, mut newest) = tokio::try_join!(self.view(conversation, user), head)?;
        if newest.as_ref().is_some_and(|head| head.membership_seq() > view.conversation.members_seq) {
            view = self.view(conversation, user).await?;
        }
        if newest.as_ref().is_some_and(|head| !view.periods.covers(head.seq)) {
            newest = self.last_visible(conversation, &view.periods).await?;
        }
        Ok((view, newest))
    }

    /// The newest item that these periods show.
    pub async fn last_visible(
        &self,
        conversation: ConversationId,
        periods: &Periods,
    ) -> Result<Option<LogItem>, StoreError> {
        Ok(self.visible(conversation, periods, PageRequest::Before(Seq::MAX), 1, |_| true).await?.items.pop())
    }

    /// Reads up to `limit` items that pass `keep`, in the order of the request, one membership period at a time, so that hidden
    /// ranges cost nothing.
    ///
    /// Cost: one request per period if all items pass, and a chunk of the archive for each segment that has moved. If few do, each request reads as many items as all before it, up to
    /// [`MAX_ITEMS_PER_QUERY`]. After [`MAX_SCANNED_ITEMS`] or [`MAX_SCANNED_MEGABYTES`] it stops and returns the last seq that it
    /// read.
    pub(crate) async fn visible(
        &self,
        conversation: ConversationId,
        periods: &Periods,
        request: PageRequest,
        limit: usize,
        keep: impl Fn(&LogItem) -> bool,
    ) -> Result<Visible, StoreError> {
        let (ranges, order): (Vec<SeqRange>, _) = match request {
            PageRequest::After(seq) => (periods.within(seq.next(), Seq::MAX).collect(), Order::Ascending),
            PageRequest::Before(seq) => (periods.within(Seq::ZERO, seq.previous()).rev().collect(), Order::Descending),
        };
        let items = self.items();
        let mut visible = Visible { items: Vec::new(), newest_members_seq: Seq::ZERO, stopped_at: None };
        let (mut passed, mut megabytes) = (0, 0);
        for mut range in ranges {
            loop {
                let missing = limit.saturating_sub(visible.items.len());
                if missing == 0 {
                    visible.items.truncate(limit);
                    return Ok(visible);
                }
                let count = missing.max(passed.min(MAX_ITEMS_PER_QUERY));
                let left = MAX_SCANNED_MEGABYTES.saturating_sub(megabytes);
                let read = items.read_bounded(conversation, range, order, count, left, true).await?;
                passed += read.items.len();
                megabytes += read.megabytes;
                let last = read.items.last().map(|item| item.seq).filter(|_| read.more);
                visible.take(read.items, &keep);
                let Some(last) = last else { break };
                match order {
                    Order::Ascending => range.first = last.next(),
                    Order::Descending => range.last = last.previous(),
                }
                if range.first > range.last {
                    break;
                }
                let enough = passed >= MAX_SCANNED_ITEMS || megabytes >= MAX_SCANNED_MEGABYTES;
                if enough && visible.items.len() < limit {
                    visible.stopped_at = Some(last);
                    return Ok(visible);
                }
            }
        }
        visible.items.truncate(limit);
        Ok(visible)
    }
}

pub(crate) struct Visible {
    /// The items that passed.
    pub(crate) items: Vec<LogItem>,
    /// Seq of the newest membership change that precedes any of the items.
    pub(crate) newest_members_seq: Seq,
    /// The last seq that was read, if more matching items may follow it.
    pub(crate) stopped_at: Option<Seq>,
}

impl Visible {
    fn take(&mut self, read: Vec<LogItem>, keep: impl Fn(&LogItem) -> bool) {
        let newest = read.iter().map(LogItem::membership_seq).max().unwrap_or(Seq::ZERO);
        self.newest_members_seq = self.newest_members_seq.max(newest);
        self.items.extend(read.into_iter().filter(|item| keep(item)));
    }
}

/// Returns true for an item that pages of history show: they show the effect of an event, not the event.
pub(super) fn is_no_event(item: &LogItem) -> bool {
    !item.kind.is_event()
}
