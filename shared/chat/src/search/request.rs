//! A search, and the check of what it found.

use domain::protocol::http::{FileHighlights, Hit};
use domain::search::{Analysis, Has, MessageQuery, SearchCursor, SearchOrder};
use domain::{ConversationId, Message, MessageKind, Timestamp, UserId};

/// What a user searches for.
#[derive(Clone, Debug, Default)]
pub struct SearchRequest {
    /// The words; `None` for every message with what the filters ask for.
    pub query: Option<MessageQuery>,
    pub conversation_id: Option<ConversationId>,
    pub sender_id: Option<UserId>,
    /// Sent later than this.
    pub after: Option<Timestamp>,
    /// Sent earlier than this.
    pub before: Option<Timestamp>,
    pub has: Option<Has>,
    pub order: SearchOrder,
    /// The hit after which to go on.
    pub cursor: Option<SearchCursor>,
}

/// A message that the index proposes, by what the user sees of it.
#[derive(Debug)]
pub(super) enum Judged {
    Hit(Box<Hit>),
    /// The index proposes such a message, and it does not match.
    Near,
    /// The index proposes it for something that the user does not see. Nothing may tell that it is there.
    Hidden,
}

impl SearchRequest {
    /// Judges a message as the user sees it.
    pub(super) fn judge(&self, message: Message) -> Judged {
        let MessageKind::Text(content) = &message.kind else { return Judged::Hidden };
        let passes = self.conversation_id.is_none_or(|id| id == message.conversation_id)
            && self.sender_id.is_none_or(|sender| sender == message.sender_id)
            && self.after.is_none_or(|after| message.sent_at > after)
            && self.before.is_none_or(|before| message.sent_at < before)
            && self.has.is_none_or(|has| has.is_in(&message));
        if !passes {
            return Judged::Hidden;
        }
        let Some(query) = &self.query else {
            return Judged::Hit(Hit { message, highlights: Vec::new(), files: Vec::new() }.into());
        };
        let names = content.attachments.iter().map(|file| Analysis::of(file.name.as_str()));
        let texts: Vec<Analysis> = std::iter::once(Analysis::of(&content.text)).chain(names).collect();
        if !query.matches(&texts) {
            return if query.proposes(&texts) { Judged::Near } else { Judged::Hidden };
        }
        let mut highlights = texts.iter().map(|text| query.highlights(text));
        let of_text = highlights.next().unwrap_or_default();
        let files = content.attachments.iter().zip(highlights);
        let files = files.map(|(file, highlights)| FileHighlights { file_id: file.file_id, highlights });
        let files = files.filter(|file| !file.highlights.is_empty()).collect();
        Judged::Hit(Hit { message, highlights: of_text, files }.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e";

    fn message(text: &str) -> Message {
        let file = json!({"file_id": ID, "name": "Budget 2026.xlsx", "content_type": "text/plain", "size": 1});
        let message = json!({"conversation_id": ID, "seq": 7, "message_id": ID, "sender_id": ID, "kind": "text",
            "sent_at": "2026-01-02T03:04:05.678Z", "text": text, "attachments": [file]});
        serde_json::from_value(message).unwrap()
    }

    impl SearchRequest {
        fn hit(&self, message: Message) -> Option<Hit> {
            match self.judge(message) {
                Judged::Hit(hit) => Some(*hit),
                Judged::Near | Judged::Hidden => None,
            }
        }
    }

    fn request(query: &str) -> SearchRequest {
        SearchRequest { query: MessageQuery::parse(query).unwrap(), ..SearchRequest::default() }
    }

    #[test]
    fn a_hit_matches_in_its_text_or_the_names_of_its_files() {
        let hit = request("budget see").hit(message("See the plan")).unwrap();
        assert_eq!(hit.highlights, [[0, 3]]);
        assert_eq!((hit.files.len(), hit.files[0].highlights.as_slice()), (1, &[[0, 6]][..]));
        assert_eq!(request("budget new").hit(message("See the plan")), None);
    }

    #[test]
    fn only_what_a_user_sees_makes_a_message_near() {
        let near = |query: &str, text: &str| matches!(request(query).judge(message(text)), Judged::Near);
        assert!(near("\"salary 9", "salary of 95"), "the index finds the beginning anywhere");
        assert!(!near("\"salary 9", "salary of 85"));
        assert!(!near("\"salary of 9", "of 95 salary"), "the terms before it follow each other");
        assert!(!near("plan", "see"), "another text");
    }

    #[test]
    fn every_filter_is_checked_again() {
        let sent_at = Timestamp::parse("2026-01-02T03:04:05.678Z").unwrap();
        let plain = || request("plan");
        let other = "00000000-0000-0000-0000-000000000001";
        for (request, is_hit) in [
            (plain(), true),
            (SearchRequest { sender_id: ID.parse().ok(), ..plain() }, true),
            (SearchRequest { sender_id: other.parse().ok(), ..plain() }, false),
            (SearchRequest { conversation_id: other.parse().ok(), ..plain() }, false),
            (SearchRequest { after: Some(sent_at), ..plain() }, false),
            (SearchRequest { before: Some(sent_at), ..plain() }, false),
            (SearchRequest { before: Some(sent_at.next()), has: Some(Has::File), ..plain() }, true),
            (SearchRequest { has: Some(Has::Link), ..plain() }, false),
            (SearchRequest { has: Some(Has::File), ..SearchRequest::default() }, true),
        ] {
            assert_eq!(request.hit(message("the plan")).is_some(), is_hit, "{request:?}");
        }
        let mut deleted = message("the plan");
        deleted.kind = MessageKind::Deleted { deleted_by: None, deleted_seq: None, deleted_at: None };
        assert_eq!(plain().hit(deleted), None);
    }
}
