//! Properties of the parsers of everything that clients send: bodies, frames, queries, times, lines, file names and searches.

use std::fmt::Debug;

use domain::characters::{is_blank, line};
use domain::file::{FileName, NewFile};
use domain::protocol::http::{
    AddMembersRequest, CreateConversationRequest, EditRequest, FileQuery, HistoryQuery, PageQuery, PresenceQuery,
    ProfileRequest, PublicConversationsQuery, SearchQuery, ThumbnailQuery, UpdateConversationRequest,
    UpdateMemberRequest, UsersQuery,
};
use domain::protocol::read::{Json, Query};
use domain::protocol::{
    CheckedSend, DraftRequest, MAX_BATCH_MESSAGES, ReceiptsRequest, SendBody, SendRequest, SubscribeRequest,
    SyncRequest, TypingRequest,
};
use domain::search::{Analysis, MessageQuery, Term, Words};
use domain::{ConversationId, Receipt, ReceiptKind, Timestamp, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Number of parsers that an input can choose from.
pub(crate) const PARSERS: u8 = 6;

/// Checks one input. Its first byte chooses the parser. None may panic, and each keeps the properties that are asserted below.
pub(crate) fn check(data: &[u8]) {
    let Some((&parser, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    match parser % PARSERS {
        0 => json(text),
        1 => query(text),
        2 => time(text),
        3 => one_line(text),
        4 => file_name(text),
        _ => search(text),
    }
}

/// Whatever is accepted is JSON also for `serde_json`, and an object.
fn json(text: &str) {
    let Ok(json) = Json::parse(text) else { return };
    assert!(serde_json::from_str::<Value>(text).is_ok(), "accepted what is no JSON");
    round_trip::<SendRequest>(text, &json);
    round_trip::<SendBody>(text, &json);
    round_trip::<DraftRequest>(text, &json);
    round_trip::<TypingRequest>(text, &json);
    round_trip::<SubscribeRequest>(text, &json);
    round_trip::<ReceiptsRequest>(text, &json);
    round_trip::<AddMembersRequest>(text, &json);
    round_trip::<CreateConversationRequest>(text, &json);
    round_trip::<UpdateConversationRequest>(text, &json);
    round_trip::<UpdateMemberRequest>(text, &json);
    round_trip::<EditRequest>(text, &json);
    round_trip::<ProfileRequest>(text, &json);
    let _ = json.read::<NewFile>();
    let _ = json.read::<SyncRequest>();
    if let Ok(body) = json.read::<SendBody>()
        && let Ok(checked) = body.check()
    {
        let drafts = match checked {
            CheckedSend::One(draft) => vec![draft],
            CheckedSend::Batch(drafts) => drafts,
        };
        assert!((1..=MAX_BATCH_MESSAGES).contains(&drafts.len()), "accepted a batch without messages, or a large one");
        for draft in drafts {
            let said = !is_blank(&draft.content.text) || !draft.attachment_ids.is_empty();
            assert!(said, "accepted a message without a visible character");
        }
    }
    if let Ok(receipts) = json.read::<ReceiptsRequest>() {
        let user: UserId = "00000000-0000-0000-0000-000000000001".parse().expect("a UUID");
        let _: Result<Vec<Receipt>, _> = receipts.check(ReceiptKind::Read, user, Timestamp::MAX);
    }
}

/// A request that is accepted is accepted again in the form in which a client of this workspace writes it.
fn round_trip<T: DeserializeOwned + Serialize + Debug>(text: &str, json: &Json) {
    let Ok(request) = json.read::<T>() else { return };
    assert!(text.trim_start().starts_with('{'), "accepted something else than an object");
    let written = serde_json::to_string(&request).expect("a request can be written");
    let again: T = Json::parse(&written).and_then(|json| json.read()).expect("a written request can be read");
    assert_eq!(serde_json::to_string(&again).expect("a request can be written"), written);
}

fn query(text: &str) {
    let Ok(query) = Query::parse(text) else { return };
    let _ = query.read::<PageQuery<ConversationId>>();
    let _ = query.read::<PublicConversationsQuery>();
    let _ = query.read::<HistoryQuery>();
    let _ = query.read::<PresenceQuery>();
    let _ = query.read::<UsersQuery>();
    let _ = query.read::<FileQuery>();
    let _ = query.read::<ThumbnailQuery>();
    let _ = query.read::<SearchQuery>();
}

/// A time that is accepted is within the documented years, and the same instant after writing it.
fn time(text: &str) {
    let text = serde_json::to_string(text).expect("a text can be written");
    let Ok(time) = serde_json::from_str::<Timestamp>(&text) else { return };
    assert!((Timestamp::MIN..=Timestamp::MAX).contains(&time));
    let written = serde_json::to_string(&time).expect("a time can be written");
    assert_eq!(serde_json::from_str::<Timestamp>(&written).expect("a written time can be read"), time);
}

/// A line has a visible character, breaks nowhere, and stays as it is.
fn one_line(text: &str) {
    let Ok(once) = line(text) else { return };
    assert!(!is_blank(&once), "accepted a line without a visible character");
    assert!(
        !once.chars().any(|c| c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    );
    assert_eq!(line(&once).as_ref(), Ok(&once), "a line changes when it is checked again");
}

fn file_name(text: &str) {
    let Ok(name) = FileName::parse(text) else { return };
    assert!((1..=255).contains(&name.as_str().len()) && !name.as_str().contains(['/', '\\']));
    assert!(name.disposition("attachment").is_ascii(), "a header that is not ASCII");
    assert_eq!(FileName::parse(name.as_str()).expect("a name can be checked again"), name);
}

/// Terms survive being joined by spaces, and highlights lie in the text.
fn search(text: &str) {
    let is_term = |term: &str| !term.is_empty() && !term.contains(|c: char| c.is_whitespace() || c.is_control());
    let analysis = Analysis::of(text);
    assert!(analysis.terms().all(is_term));
    if let Ok(Some(query)) = MessageQuery::parse(text) {
        for clause in query.clauses() {
            assert!(clause.prefix.is_some() || !clause.terms.is_empty(), "a clause is empty");
            assert!(clause.terms.iter().chain(&clause.prefix).all(|term| is_term(term)));
        }
        let (length, mut end) = (text.chars().count(), 0);
        for [first, last] in query.highlights(&analysis) {
            assert!(end <= first && first < last && last as usize <= length, "highlights overlap, or leave the text");
            end = last;
        }
    }
    let Ok(Some(words)) = Words::parse(text) else { return };
    assert!(words.iter().all(|term| match term {
        Term::Prefix(prefix) => is_term(prefix),
        Term::Run(run) => !run.is_empty() && run.iter().all(|term| is_term(term)),
    }));
}
