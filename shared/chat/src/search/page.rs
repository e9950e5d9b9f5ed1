//! Searching: the index proposes, the log decides.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use domain::page::{Page, Room};
use domain::protocol::http::Hit;
use domain::search::SearchCursor;
use domain::{ConversationId, Message, Seq, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::clock::Stopwatch;
use store::opensearch::{DocumentId, Find, Found, MessageIndex, Scope};
use store::{StoreError, clock};

use super::request::{Judged, SearchRequest};
use super::scope;
use crate::log::{Log, ReadError};

/// Time limit of a search, with all its requests.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Documents of each request to the index after the first.
const FOUND_AT_ONCE: usize = 100;

/// Messages after which a page ends although it is not full: those that the user sees and that the index has reason to propose.
const MAX_COUNTED: usize = 500;

/// Time after which a page ends although it is not full.
const TIME_OF_A_PAGE: Duration = Duration::from_millis(1_200);

/// Conversations whose messages are read at once.
const CONCURRENCY: usize = 16;

/// Searches for messages in the index, and reads what it finds from the log.
#[derive(Clone, Debug)]
pub struct Search {
    pub index: MessageIndex,
    pub log: Log,
}

impl Search {
    /// Returns up to `limit` hits that `user` may see, no more than a response takes, and the cursor of the next page.
    ///
    /// Nothing that history would not show has a part in it: not in the hits, and not in a number. A page may have fewer hits than
    /// `limit` and not be the last, if hundreds of messages are near and do not match, or the time is short.
    ///
    /// Cost: a query and up to nine batches for the conversations; a request to the index for each hundred documents; a transaction of six read units for each
    /// conversation with hits, and a read unit for each hit.
    pub async fn search(
        &self,
        user: UserId,
        request: &SearchRequest,
        limit: usize,
    ) -> Result<(Vec<Hit>, Option<SearchCursor>), ReadError> {
        let in_time = clock::timeout(TIMEOUT, self.page(user, request, limit)).await;
        in_time.unwrap_or_else(|elapsed| Err(StoreError::Busy { service: "search", source: Box::new(elapsed) }.into()))
    }

    async fn page(
        &self,
        user: UserId,
        request: &SearchRequest,
        limit: usize,
    ) -> Result<(Vec<Hit>, Option<SearchCursor>), ReadError> {
        let scope = self.scope(user, request).await?;
        if scope.is_empty() || request.query.as_ref().is_some_and(|query| query.clauses().is_empty()) {
            return Ok((Vec::new(), None));
        }
        let SearchRequest { query, sender_id, after, before, has, order, cursor, .. } = request;
        let (sender_id, after, before, has, order) = (*sender_id, *after, *before, *has, *order);
        let find = Find { query: query.as_ref(), scope: &scope, sender_id, after, before, has, order };
        let (mut hits, mut positions): (Vec<Hit>, Vec<SearchCursor>) = (Vec::new(), Vec::new());
        let (mut next, mut seen, mut size) = (*cursor, HashSet::new(), limit + 1);
        let begun = Stopwatch::start();
        // The last message that counts. Hidden ones count for nothing: neither cursor nor end of a page may tell of them.
        let (mut counted, mut last_counted) = (0, None);
        let reached = 'all: loop {
            let found = self.index.find(&find, next, size).await?;
            next = found.last().map(|found| found.position).filter(|_| found.len() == size);
            // While a new index is being filled, a message may be in two.
            let found: Vec<Found> = found.into_iter().filter(|found| seen.insert(found.id)).collect();
            let mut messages = self.shown(user, &found).await?;
            for Found { id, position } in found {
                match messages.remove(&id).map(|message| request.judge(message)) {
                    Some(Judged::Hit(hit)) => {
                        hits.push(*hit);
                        positions.push(position);
                    }
                    Some(Judged::Near) => {}
                    Some(Judged::Hidden) | None => continue,
                }
                (counted, last_counted) = (counted + 1, Some(position));
                if hits.len() > limit || counted == MAX_COUNTED {
                    break 'all last_counted;
                }
            }
            if next.is_none() {
                break None;
            }
            if begun.elapsed() > TIME_OF_A_PAGE && last_counted.is_some() {
                break last_counted;
            }
            size = FOUND_AT_ONCE;
        };
        let page = Page::cut(hits.iter(), limit, Room::of_body()).map_err(StoreError::from)?;
        let (count, more) = (page.items.len(), page.more);
        hits.truncate(count);
        // A page that is cut goes on after its last hit, any other after the last message that counted.
        let cursor = if more { count.checked_sub(1).and_then(|last| positions.get(last).copied()) } else { reached };
        Ok((hits, cursor))
    }

    async fn scope(&self, user: UserId, request: &SearchRequest) -> Result<Scope, ReadError> {
        match request.conversation_id {
            Some(id) => Ok(scope::of_conversation(id, &self.log.view(id, user).await?.periods)),
            None => Ok(scope::of_user(&self.log.members, user).await?),
        }
    }

    /// Reads what the user sees of the messages of these documents.
    async fn shown(&self, user: UserId, found: &[Found]) -> Result<HashMap<DocumentId, Message>, ReadError> {
        let mut by_conversation: BTreeMap<ConversationId, Vec<Seq>> = BTreeMap::new();
        for Found { id, .. } in found {
            by_conversation.entry(id.conversation_id).or_default().push(id.seq);
        }
        let shown = stream::iter(by_conversation).map(|(conversation, seqs)| async move {
            match self.log.shown(conversation, user, &seqs).await {
                // The index has a conversation in which the user never was.
                Err(ReadError::NeverAMember) => Ok(Vec::new()),
                shown => shown,
            }
        });
        let shown: Vec<Vec<Message>> = shown.buffer_unordered(CONCURRENCY).try_collect().await?;
        let by_id =
            |message: Message| (DocumentId { conversation_id: message.conversation_id, seq: message.seq }, message);
        Ok(shown.into_iter().flatten().map(by_id).collect())
    }
}
