//! Operations of conversations and of what users set for them.

use domain::ErrorCode;
use domain::conversation::Conversation;
use domain::protocol::http::{
    ConversationsPage, ConversationsQuery, CreateConversationRequest, PinsPage, PublicConversationsPage,
    PublicConversationsQuery, UpdateConversationRequest, pages,
};
use domain::settings::{ConversationSettings, SettingsChange};
use serde_json::json;

use super::{Callers, Operation};
use crate::examples::{ALICE, AT, CONVERSATION_ID, conversation, message};
use crate::shape::Shape;

/// A change of the pinned messages.
fn pin(route: &'static str, id: &'static str, summary: &'static str, done: &'static str) -> Operation {
    Operation::new(route, id, summary)
        .describe("For owners and admins, in a private conversation for both. A message that is pinned already, or not, is no error.")
        .callers(Callers::Users)
        .no_content(done)
        .errors(&[
            ErrorCode::ConversationNotFound,
            ErrorCode::NotAMember,
            ErrorCode::NotAllowed,
            ErrorCode::Blocked,
            ErrorCode::ConversationClosed,
            ErrorCode::MessageNotFound,
            ErrorCode::TooManyPins,
            ErrorCode::ProfileRequired,
            ErrorCode::RateLimited,
        ])
}

pub(super) fn operations() -> Vec<Operation> {
    let one = || Shape::answer::<Conversation>(conversation());
    let new = json!({"type": "group", "title": "Ships", "topic": "Arrivals", "history": "full", "member_ids": [ALICE],
        "custom": {"colour": "blue"}});
    vec![
        Operation::new("POST /v1/conversations", "createConversation", "Create a conversation")
            .describe(
                "A private conversation names exactly one other user, and has no title, topic, history or `custom`; there is one for each \
                 pair. Others need a title. The creator of these is their owner.",
            )
            .callers(Callers::UsersAndBackends)
            .idempotent()
            .body(Shape::request::<CreateConversationRequest>(new))
            .answer(201, "The new conversation.", one())
            .answer(200, "The conversation that the pair or the key has already.", one())
            .errors(&[
                ErrorCode::ProfileRequired,
                ErrorCode::UserNotFound,
                ErrorCode::NotAllowed,
                ErrorCode::Blocked,
                ErrorCode::TooManyMembers,
                ErrorCode::CustomTooLarge,
            ]),
        Operation::new("GET /v1/conversations", "listConversations", "List one's conversations")
            .describe("Oldest first, past ones included. A filter may leave a page short, or empty, that is not the last.")
            .callers(Callers::UsersAndBackends)
            .query::<ConversationsQuery>()
            .page(pages::CONVERSATIONS)
            .answer(
                200,
                "A page.",
                Shape::answer::<ConversationsPage>(json!({"conversations": [conversation()], "cursor": CONVERSATION_ID})),
            ),
        Operation::new("GET /v1/conversations/{id}", "getConversation", "Read a conversation")
            .callers(Callers::UsersAndSystem)
            .answer(200, "The conversation.", one())
            .errors(&[ErrorCode::ConversationNotFound]),
        Operation::new("PATCH /v1/conversations/{id}", "updateConversation", "Change title, topic, custom or retention; block")
            .describe("At least one field is required. `blocked` is for private conversations, the others for groups and public ones.")
            .callers(Callers::UsersAndSystem)
            .body(Shape::request::<UpdateConversationRequest>(json!({"title": "Ships and boats", "topic": null, "custom": {}})))
            .answer(200, "The conversation.", one())
            .errors(&[
                ErrorCode::ConversationNotFound,
                ErrorCode::NotAMember,
                ErrorCode::NotAllowed,
                ErrorCode::ConversationClosed,
                ErrorCode::WrongConversationType,
                ErrorCode::RetentionOff,
                ErrorCode::CustomTooLarge,
                ErrorCode::ProfileRequired,
                ErrorCode::RateLimited,
            ]),
        Operation::new("PATCH /v1/conversations/{id}/settings", "changeSettings", "Archive, pin, mute, mark as unread")
            .describe("For the caller alone, on all devices. At least one field is required; `null` and `false` end a setting.")
            .callers(Callers::Users)
            .body(Shape::request::<SettingsChange>(json!({"archived": true, "notifications_muted_until": null})))
            .answer(200, "All settings.", Shape::answer::<ConversationSettings>(json!({"archived": true})))
            .errors(&[ErrorCode::ConversationNotFound]),
        Operation::new("GET /v1/conversations/{id}/pins", "getPins", "Read the pinned messages")
            .describe("For members: those that they may see, newest first.")
            .callers(Callers::Users)
            .page(pages::PINS)
            .answer(200, "A page.", Shape::answer::<PinsPage>(json!({"messages": [message()], "cursor": "2"})))
            .errors(&[ErrorCode::ConversationNotFound, ErrorCode::NotAMember]),
        pin("PUT /v1/conversations/{id}/pins/{seq}", "pinMessage", "Pin a message for everybody", "The message is pinned."),
        pin("DELETE /v1/conversations/{id}/pins/{seq}", "unpinMessage", "End a pin", "The message is not pinned."),
        Operation::new("DELETE /v1/conversations/{id}", "closeConversation", "Close a conversation")
            .describe("For owners. It can be read and left from then on.")
            .callers(Callers::UsersAndSystem)
            .no_content("The conversation is closed.")
            .errors(&[
                ErrorCode::ConversationNotFound,
                ErrorCode::NotAMember,
                ErrorCode::NotAllowed,
                ErrorCode::WrongConversationType,
                ErrorCode::ProfileRequired,
                ErrorCode::RateLimited,
            ]),
        Operation::new("GET /v1/public-conversations", "findPublicConversations", "Find public conversations")
            .describe("Open ones, newest first. With `q`, each of its words begins a word of the title or topic.")
            .query::<PublicConversationsQuery>()
            .page(pages::PUBLIC_CONVERSATIONS)
            .answer(
                200,
                "A page.",
                Shape::answer::<PublicConversationsPage>(json!({
                    "conversations": [{
                        "conversation_id": CONVERSATION_ID, "title": "Harbour", "member_count": 1200, "created_at": AT,
                        "member": false
                    }],
                    "cursor": null
                })),
            ),
    ]
}
