//! The search for messages.

use std::fmt::Write as _;

use domain::protocol::http::SearchPage;
use domain::search::{Has, SearchOrder};
use domain::{ConversationId, Timestamp, UserId};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;

use super::{Api, ApiError, NO_BODY};

/// What to search for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchFilter {
    /// Words and phrases; may be empty beside `has`.
    pub words: String,
    /// Only messages of this conversation.
    pub conversation: Option<ConversationId>,
    /// Only messages of this user.
    pub sender: Option<UserId>,
    /// Only messages that were sent later.
    pub after: Option<Timestamp>,
    /// Only messages that were sent earlier.
    pub before: Option<Timestamp>,
    pub has: Option<Has>,
    pub order: SearchOrder,
    /// Hits of a page, at most 50; `None` for 20.
    pub limit: Option<u32>,
}

impl SearchFilter {
    /// Returns the query of a page.
    fn query(&self, cursor: Option<&str>) -> String {
        let mut query = format!("order={}", self.order.as_str());
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                // Writing to a String does not fail.
                let _ = write!(query, "&{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC));
            }
        };
        add("q", Some(self.words.clone()).filter(|words| !words.is_empty()));
        add("conversation_id", self.conversation.map(|id| id.to_string()));
        add("sender_id", self.sender.map(|id| id.to_string()));
        add("after", self.after.map(|at| at.to_string()));
        add("before", self.before.map(|at| at.to_string()));
        add("has", self.has.map(|has| has.as_str().to_owned()));
        add("limit", self.limit.map(|limit| limit.to_string()));
        add("cursor", cursor.map(str::to_owned));
        query
    }
}

impl Api {
    /// Returns a page of the messages that match, as far as this user may see them. The code `search_off` says that the deployment has
    /// no search.
    pub async fn find_messages(&self, filter: &SearchFilter, cursor: Option<&str>) -> Result<SearchPage, ApiError> {
        self.ask(Method::GET, &format!("/v1/search?{}", filter.query(cursor)), NO_BODY).await
    }
}

#[cfg(test)]
mod tests {
    use domain::protocol::http::SearchQuery;
    use domain::protocol::read::Query;

    use super::*;

    #[test]
    fn the_server_reads_what_the_client_asks_for() {
        let filter = SearchFilter {
            words: "\"a b\" ä&c".to_owned(),
            conversation: Some(ConversationId::generate()),
            sender: Some(UserId::from_token("i", "s")),
            after: Some(Timestamp::from_epoch_millis(1)),
            before: Some(Timestamp::from_epoch_millis(2)),
            has: Some(Has::Link),
            order: SearchOrder::Best,
            limit: Some(7),
        };
        let query: SearchQuery = Query::parse(&filter.query(None)).unwrap().read().unwrap();
        assert_eq!(query.q.as_deref(), Some("\"a b\" ä&c"));
        assert_eq!((query.conversation_id, query.sender_id), (filter.conversation, filter.sender));
        assert_eq!((query.after, query.before), (filter.after, filter.before));
        assert_eq!((query.has, query.order, query.limit), (Some(Has::Link), Some(SearchOrder::Best), Some(7)));
        let empty: SearchQuery = Query::parse(&SearchFilter::default().query(None)).unwrap().read().unwrap();
        assert_eq!((empty.q, empty.cursor.is_none()), (None, true));
    }
}
