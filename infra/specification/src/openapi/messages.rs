//! Messages: history, sending, changes, receipts, search and sync.

use domain::protocol::http::{
    AroundPage, EditRequest, HistoryPage, HistoryQuery, MentionsPage, SearchPage, SearchQuery, StatusPage,
    WatermarksPage, pages,
};
use domain::protocol::{SendBody, SentAnswer, SyncRequest, Synced};
use domain::{ErrorCode, Message};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Callers, Operation};
use crate::examples::{ALICE, AT, BOB, CLIENT_MESSAGE_ID, CONVERSATION_ID, message, sent, synced};
use crate::shape::Shape;

/// A page of history; with `around_seq` the history around a message.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum History {
    Page(HistoryPage),
    Around(AroundPage),
}

/// Errors of a request that writes as a user.
const OF_WRITERS: [ErrorCode; 4] =
    [ErrorCode::NotAMember, ErrorCode::ConversationClosed, ErrorCode::Blocked, ErrorCode::Muted];

/// Errors of every send, over HTTP and WebSocket alike.
pub(crate) const OF_SENDS: [ErrorCode; 15] = [
    ErrorCode::NotAMember,
    ErrorCode::ConversationClosed,
    ErrorCode::Blocked,
    ErrorCode::Muted,
    ErrorCode::Behind,
    ErrorCode::RateLimited,
    ErrorCode::FileNotReady,
    ErrorCode::MessageNotFound,
    ErrorCode::IdempotencyMismatch,
    ErrorCode::TextTooLarge,
    ErrorCode::CustomTooLarge,
    ErrorCode::TooManyMentions,
    ErrorCode::TooManyAttachments,
    ErrorCode::TooManyMessages,
    ErrorCode::Busy,
];

pub(super) fn operations() -> Vec<Operation> {
    let mut all = of_the_log();
    all.extend(changes());
    all.extend(readers());
    all
}

fn of_the_log() -> Vec<Operation> {
    let page = json!({"messages": [message()], "more": true, "next": 2});
    let send = json!({"client_message_id": CLIENT_MESSAGE_ID, "after_seq": 1, "text": "Hello, Bob", "custom": {"priority": 1}});
    vec![
        Operation::new("GET /v1/conversations/{id}/messages", "getHistory", "History")
            .describe(
                "Without events, oldest first within a page. At most one of the three seqs is given; without any, the page has the \
                 newest messages.",
            )
            .callers(Callers::UsersAndSystem)
            .query::<HistoryQuery>()
            .page(pages::HISTORY)
            .answer(200, "A page.", Shape::answer::<History>(page))
            .errors(&[ErrorCode::ConversationNotFound]),
        Operation::new("POST /v1/conversations/{id}/messages", "sendMessages", "Send a message, or a batch")
            .describe(
                "With `messages` it is a batch, and the other fields but `after_seq` are left out. A text has at most 8,192 bytes of \
                 UTF-8. Unknown fields are ignored. A resend with the same `client_message_id` and `after_seq` is not appended again.",
            )
            .callers(Callers::UsersAndSystem)
            .body(Shape::request::<SendBody>(send))
            .takes_unknown_fields()
            .answer(201, "A message is new.", Shape::answer::<SentAnswer>(sent()))
            .answer(200, "The messages were there already.", Shape::answer::<SentAnswer>(sent()))
            .errors(&OF_SENDS),
        Operation::new("POST /v1/sync", "sync", "Catch up")
            .describe("With `cursors`, the items after each; without, a page of the caller's conversations. Unknown fields are ignored.")
            .body(Shape::request::<SyncRequest>(json!({"cursors": {CONVERSATION_ID: 41}})))
            .takes_unknown_fields()
            .answer(200, "What was missed.", Shape::answer::<Synced>(synced()))
            .errors(&[ErrorCode::TooManyConversations]),
    ]
}

fn changes() -> Vec<Operation> {
    let one = || Shape::answer::<Message>(message());
    let react = |route, id, summary| {
        Operation::new(route, id, summary)
            .callers(Callers::UsersAndBackends)
            .answer(200, "The message.", one())
            .errors(&OF_WRITERS)
            .errors(&[
                ErrorCode::InvalidEmoji,
                ErrorCode::MessageNotFound,
                ErrorCode::MessageDeleted,
                ErrorCode::TooManyReactions,
                ErrorCode::RateLimited,
            ])
    };
    let emoji = "PUT /v1/conversations/{id}/messages/{seq}/reactions/{emoji}";
    let no_emoji = "DELETE /v1/conversations/{id}/messages/{seq}/reactions/{emoji}";
    vec![
        Operation::new("PATCH /v1/conversations/{id}/messages/{seq}", "editMessage", "Edit a text")
            .describe("For its sender, for a day and up to 20 times. An edit without `mentions` removes them; without `custom` it stays.")
            .callers(Callers::UsersAndSystem)
            .body(Shape::request::<EditRequest>(json!({"text": "Hello, bob", "mentions": [BOB], "custom": null})))
            .answer(200, "The message.", one())
            .errors(&OF_WRITERS)
            .errors(&[
                ErrorCode::MessageNotFound,
                ErrorCode::MessageDeleted,
                ErrorCode::NotAllowed,
                ErrorCode::EditWindowOver,
                ErrorCode::TooManyEdits,
                ErrorCode::TextTooLarge,
                ErrorCode::CustomTooLarge,
                ErrorCode::TooManyMentions,
                ErrorCode::RateLimited,
            ]),
        Operation::new("DELETE /v1/conversations/{id}/messages/{seq}", "deleteMessage", "Delete a text for everybody")
            .describe("For its sender, and in groups and public conversations for owners and admins.")
            .callers(Callers::UsersAndSystem)
            .no_content("The message is deleted.")
            .errors(&OF_WRITERS)
            .errors(&[ErrorCode::MessageNotFound, ErrorCode::NotAllowed]),
        react(emoji, "addReaction", "React"),
        react(no_emoji, "withdrawReaction", "Withdraw a reaction"),
    ]
}

fn readers() -> Vec<Operation> {
    let status = json!({"recipients": [{"user_id": BOB, "delivered_at": AT, "read_at": null}], "cursor": null});
    let receipts =
        json!({"receipts": [{"user_id": BOB, "delivered": {"seq": 2, "at": AT}, "read": null}], "cursor": ALICE});
    let mut mentioning = message();
    mentioning["mentions"] = json!([BOB]);
    let mentions = json!({"messages": [mentioning], "cursor": null});
    let hits = json!({"hits": [{"message": message(), "highlights": [[7, 10]]}], "cursor": null});
    vec![
        Operation::new(
            "GET /v1/conversations/{id}/messages/{seq}/status",
            "getStatus",
            "Who received and read a message",
        )
        .callers(Callers::UsersAndSystem)
        .page(pages::RECIPIENTS)
        .answer(200, "A page.", Shape::answer::<StatusPage>(status))
        .errors(&[ErrorCode::ConversationNotFound, ErrorCode::NotAMember, ErrorCode::MessageNotFound]),
        Operation::new("GET /v1/conversations/{id}/receipts", "getReceipts", "Watermarks of all members")
            .callers(Callers::UsersAndSystem)
            .page(pages::RECEIPTS)
            .answer(200, "A page.", Shape::answer::<WatermarksPage>(receipts))
            .errors(&[ErrorCode::ConversationNotFound, ErrorCode::NotAMember]),
        Operation::new("GET /v1/mentions", "getMentions", "Messages that mention the caller")
            .describe(
                "Newest first, of the last 90 days, in all conversations that the caller is in, as history shows them, and without \
                 those of users whom the caller blocks. A page may have fewer than `limit`, or none, and not be the last.",
            )
            .callers(Callers::UsersAndBackends)
            .page(pages::MENTIONS)
            .answer(200, "A page.", Shape::answer::<MentionsPage>(mentions)),
        Operation::new("GET /v1/search", "searchMessages", "Find messages")
            .describe("In all conversations that the caller is or was in, as far as history shows them.")
            .query::<SearchQuery>()
            .page(pages::HITS)
            .answer(200, "A page.", Shape::answer::<SearchPage>(hits))
            .errors(&[ErrorCode::SearchOff, ErrorCode::ConversationNotFound]),
    ]
}
