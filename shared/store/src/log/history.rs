//! History: what one user may see of a log, page by page.

use domain::error::causes;
use domain::period::SeqRange;
use domain::{ConversationId, Message, Seq, UserId};

use super::Log;
use crate::StoreError;
use crate::dynamodb::members::View;
use crate::dynamodb::messages::{LogItem, Order};

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageRequest {
    /// The oldest visible items after this place.
    After(Seq),
    /// The newest visible items before this place; [`Seq::MAX`] for the newest of all.
    Before(Seq),
}

/// A page of history.
#[derive(Debug, PartialEq)]
pub struct Page {
    /// Visible items, oldest first.
    pub messages: Vec<Message>,
    /// Whether there may be more in the direction that was asked for.
    pub more: bool,
}

impl Log {
    /// Opens the connection to DynamoDB during init, when time is free: half a read unit.
    pub async fn warm_up(&self) {
        if let Err(error) = self.messages.head(ConversationId(uuid::Uuid::nil()), false).await {
            tracing::warn!(error = causes(&error), "no connection to DynamoDB during init");
        }
    }

    /// Up to `limit` items that `user` may see; `None` for somebody who was never in the conversation.
    ///
    /// Exact while members come and go: each item says which change of membership it knows of, and a page that knows of a newer
    /// one than the periods it was read by is read again.
    pub async fn history(
        &self,
        conversation: ConversationId,
        user: UserId,
        request: PageRequest,
        limit: usize,
    ) -> Result<Option<Page>, StoreError> {
        let mut items = loop {
            let Some(view) = self.members.view(conversation, user).await? else { return Ok(None) };
            let items = self.visible(&view, request, limit + 1).await?;
            if items.iter().all(|item| item.members_seq <= view.conversation.members_seq) {
                break items;
            }
        };
        let more = items.len() > limit;
        items.truncate(limit);
        if matches!(request, PageRequest::Before(_)) {
            items.reverse();
        }
        let messages = items.into_iter().map(|item| Message::from(item).seen_by(user)).collect();
        Ok(Some(Page { messages, more }))
    }

    /// The newest item that `view` shows.
    pub async fn last_visible(&self, view: &View) -> Result<Option<LogItem>, StoreError> {
        Ok(self.visible(view, PageRequest::Before(Seq::MAX), 1).await?.pop())
    }

    /// Up to `limit` items in the order of the request, read stay by stay so that hidden stretches cost nothing.
    async fn visible(&self, view: &View, request: PageRequest, limit: usize) -> Result<Vec<LogItem>, StoreError> {
        let (ranges, order): (Vec<SeqRange>, _) = match request {
            PageRequest::After(seq) => (view.periods.within(seq.next(), Seq::MAX).collect(), Order::Ascending),
            PageRequest::Before(seq) => {
                (view.periods.within(Seq::ZERO, seq.previous()).rev().collect(), Order::Descending)
            }
        };
        let mut items = Vec::new();
        for range in ranges {
            let missing = limit - items.len();
            if missing == 0 {
                break;
            }
            let conversation = view.conversation.conversation_id;
            items.extend(self.messages.read(conversation, range, order, missing, true).await?);
        }
        Ok(items)
    }
}
