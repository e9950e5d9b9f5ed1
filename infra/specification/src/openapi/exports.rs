//! Operations of exports, for users and owners.

use domain::ErrorCode;
use domain::export::Export;
use domain::protocol::http::{ConversationExportRequest, UserExportRequest};
use serde_json::json;

use super::{Callers, Operation};
use crate::examples::export;
use crate::shape::Shape;

pub(super) fn operations() -> Vec<Operation> {
    let one = || Shape::answer::<Export>(export());
    vec![
        Operation::new("POST /v1/users/me/export", "exportMe", "Export what the caller may see")
            .describe("A repeat while the export is under way answers with the same one.")
            .callers(Callers::UsersAndBackends)
            .body(Shape::request::<UserExportRequest>(json!({"messages": "visible", "files": false})))
            .answer(202, "The export.", one())
            .errors(&[ErrorCode::ExportRunning, ErrorCode::TooManyExports]),
        Operation::new("POST /v1/conversations/{id}/export", "exportConversation", "Export a conversation")
            .describe("For owners of groups and public conversations: the whole history.")
            .callers(Callers::UsersAndSystem)
            .body(Shape::request::<ConversationExportRequest>(json!({"files": true})))
            .answer(202, "The export.", one())
            .errors(&[
                ErrorCode::ExportRunning,
                ErrorCode::TooManyExports,
                ErrorCode::NotAllowed,
                ErrorCode::NotAMember,
                ErrorCode::WrongConversationType,
                ErrorCode::ConversationNotFound,
            ]),
        Operation::new("GET /v1/exports/{id}", "getExport", "State of an export, and a link to it")
            .callers(Callers::UsersAndSystem)
            .answer(200, "The export.", one())
            .errors(&[ErrorCode::ExportNotFound]),
        Operation::new("DELETE /v1/exports/{id}", "deleteExport", "Cancel or delete an export")
            .callers(Callers::UsersAndSystem)
            .no_content("The export has ended.")
            .errors(&[ErrorCode::ExportNotFound]),
    ]
}
