//! Routes that only backends have.

use domain::ErrorCode;
use domain::erasure::Erasure;
use domain::import::Import;
use domain::protocol::http::{AuditPage, AuditQuery, DeletionQuery, NewImportRequest, NewUserRequest, pages};
use domain::user::User;
use serde_json::json;

use super::{Callers, Operation};
use crate::examples::{ALICE, AT, BOB, CONVERSATION_ID, REQUEST_ID, import, user};
use crate::shape::Shape;

pub(super) fn operations() -> Vec<Operation> {
    let all = users().into_iter().chain(holds()).chain(imports()).chain([audit()]);
    all.map(|operation| operation.callers(Callers::Backends)).collect()
}

fn users() -> Vec<Operation> {
    let erasure = json!({
        "user_id": ALICE, "state": "running", "requested_at": AT, "conversations": 3, "finished_conversations": 1,
        "held_conversations": 0, "messages": 12, "reactions": 2
    });
    vec![
        Operation::new("POST /v1/users", "createUser", "Create or rename a user by the subject of their tokens")
            .describe("`subject` has at most 2,048 bytes. The id is the UUIDv5 of issuer and subject.")
            .body(Shape::request::<NewUserRequest>(json!({"subject": "alice", "display_name": "Alice"})))
            .answer(200, "The profile.", Shape::answer::<User>(user()))
            .errors(&[ErrorCode::CustomTooLarge]),
        Operation::new("DELETE /v1/users/{id}", "deleteUser", "Delete any user")
            .query::<DeletionQuery>()
            .no_content("The user is deleted.")
            .errors(&[ErrorCode::UserNotFound, ErrorCode::NotAllowed]),
        Operation::new("GET /v1/users/{id}/erasure", "getErasure", "How far the erasure of a user is")
            .answer(200, "The erasure.", Shape::answer::<Erasure>(erasure))
            .errors(&[ErrorCode::UserNotFound, ErrorCode::NotAllowed]),
    ]
}

fn holds() -> Vec<Operation> {
    let errors = [ErrorCode::ConversationNotFound, ErrorCode::NotAllowed];
    vec![
        Operation::new("PUT /v1/conversations/{id}/hold", "holdConversation", "Hold a conversation")
            .describe("Nothing of it is deleted for its age, nor erased with its user. Safe to repeat.")
            .no_content("The conversation is held.")
            .errors(&errors),
        Operation::new("DELETE /v1/conversations/{id}/hold", "releaseConversation", "End the hold of a conversation")
            .no_content("The conversation is not held.")
            .errors(&errors),
    ]
}

fn imports() -> Vec<Operation> {
    let one = || Shape::answer::<Import>(import());
    vec![
        Operation::new("POST /v1/imports", "createImport", "Begin an import")
            .describe("Upload the file by the `upload` of the answer, then start the import.")
            .body(Shape::request::<NewImportRequest>(
                json!({"source": "slack-acme", "size": 1_048_576, "users": "mapped"}),
            ))
            .answer(201, "The import.", one())
            .errors(&[ErrorCode::FileTooLarge, ErrorCode::NotAllowed]),
        Operation::new("POST /v1/imports/{id}/start", "startImport", "Start an import whose file is there")
            .answer(202, "The import.", one())
            .errors(&[
                ErrorCode::ImportNotFound,
                ErrorCode::UploadIncomplete,
                ErrorCode::ImportOver,
                ErrorCode::NotAllowed,
            ]),
        Operation::new("GET /v1/imports/{id}", "getImport", "State of an import")
            .answer(200, "The import.", one())
            .errors(&[ErrorCode::ImportNotFound, ErrorCode::NotAllowed]),
        Operation::new("DELETE /v1/imports/{id}", "cancelImport", "Cancel an import")
            .no_content("The import has ended.")
            .errors(&[ErrorCode::ImportNotFound, ErrorCode::NotAllowed]),
    ]
}

fn audit() -> Operation {
    let entry = json!({
        "client_id": "app", "at": AT, "request_id": REQUEST_ID, "route": "POST /v1/server/conversations/{id}/members",
        "path": format!("/v1/server/conversations/{CONVERSATION_ID}/members"), "acted_as": ALICE, "user_ids": [BOB],
        "outcome": {"status": 204}
    });
    Operation::new("GET /v1/audit", "getAudit", "Requests of one client on one day")
        .describe("Oldest first. `client_id` is the caller's own by default, `day` today in UTC.")
        .query::<AuditQuery>()
        .page(pages::AUDIT)
        .answer(200, "A page.", Shape::answer::<AuditPage>(json!({"entries": [entry], "cursor": null})))
}
