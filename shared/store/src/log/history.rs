//! History: what one user may see of a log, page by page.

use domain::error::causes;
use domain::period::SeqRange;
use domain::{ApiError, ConversationId, ErrorCode, Message, Periods, Seq, UserId};

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

/// Why somebody sees nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// They were never in the conversation, or there is none: the two look alike.
    #[error("the user was never a member of the conversation")]
    NeverAMember,
    /// Their account is gone.
    #[error("the user is deleted")]
    UserDeleted,
    /// A service failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NeverAMember => Self::new(ErrorCode::ConversationNotFound, "No such conversation."),
            ReadError::UserDeleted => Self::new(ErrorCode::UserDeleted, "This user was deleted."),
            ReadError::Store(error) => error.into(),
        }
    }
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

    /// Up to `limit` items that `user` may see.
    ///
    /// Exact while members come and go: each item says which change of membership it knows of, and a page that knows of a newer
    /// one than the periods it was read by is read again.
    pub async fn history(
        &self,
        conversation: ConversationId,
        user: UserId,
        request: PageRequest,
        limit: usize,
    ) -> Result<Page, ReadError> {
        let mut items = loop {
            let view = self.view(conversation, user).await?;
            let items = self.visible(conversation, &view.periods, request, limit + 1).await?;
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
        Ok(Page { messages, more })
    }

    /// What the user may see.
    pub async fn view(&self, conversation: ConversationId, user: UserId) -> Result<View, ReadError> {
        match self.members.view(conversation, user).await? {
            None => Err(ReadError::NeverAMember),
            Some(view) if view.user_deleted => Err(ReadError::UserDeleted),
            Some(view) => Ok(view),
        }
    }

    /// What the user may see, and the newest item of that. Two requests at once; one more where the head is hidden from the user,
    /// or knows of a change of membership that the first did not show.
    pub async fn newest(
        &self,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<(View, Option<LogItem>), ReadError> {
        let head = async { Ok(self.messages.head(conversation, true).await?) };
        let (mut view, mut newest) = tokio::try_join!(self.view(conversation, user), head)?;
        if newest.as_ref().is_some_and(|head| head.members_seq > view.conversation.members_seq) {
            view = self.view(conversation, user).await?;
        }
        if newest.as_ref().is_some_and(|head| !view.periods.covers(head.seq)) {
            newest = self.visible(conversation, &view.periods, PageRequest::Before(Seq::MAX), 1).await?.pop();
        }
        Ok((view, newest))
    }

    /// Up to `limit` items in the order of the request, read stay by stay so that hidden stretches cost nothing.
    async fn visible(
        &self,
        conversation: ConversationId,
        periods: &Periods,
        request: PageRequest,
        limit: usize,
    ) -> Result<Vec<LogItem>, StoreError> {
        let (ranges, order): (Vec<SeqRange>, _) = match request {
            PageRequest::After(seq) => (periods.within(seq.next(), Seq::MAX).collect(), Order::Ascending),
            PageRequest::Before(seq) => (periods.within(Seq::ZERO, seq.previous()).rev().collect(), Order::Descending),
        };
        let mut items = Vec::new();
        for range in ranges {
            let missing = limit - items.len();
            if missing == 0 {
                break;
            }
            items.extend(self.messages.read(conversation, range, order, missing, true).await?);
        }
        Ok(items)
    }
}
