//! Operations of files, from announcement to deletion.

use domain::ErrorCode;
use domain::file::{Announced, Attachment, Download, File, NewFile, PartsRequest};
use domain::protocol::http::{FileQuery, SignedParts, ThumbnailQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Operation;
use crate::examples::{AT, SHA256, file, signed_request};
use crate::shape::Shape;

/// The file for its owner; for a reader of a message the attachment.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum FileOrAttachment {
    File(File),
    Attachment(Attachment),
}

pub(super) fn operations() -> Vec<Operation> {
    let announced = || Shape::answer::<Announced>(json!({"file": file(), "upload": signed_request()}));
    let new = json!({"name": "ship.txt", "content_type": "text/plain", "size": 5, "sha256": SHA256});
    let mut part = signed_request();
    part["part_number"] = 1.into();
    let download = |route, id, summary| {
        Operation::new(route, id, summary)
            .describe(
                "`conversation_id` and `seq` go together and name a message with the file; without them it is for the owner. Answers \
                 200 with the URL if `Accept` names `application/json`, else it redirects.",
            )
            .answer(200, "Where the content is.", Shape::answer::<Download>(json!({"url": "https://…", "expires_at": AT})))
            .redirects()
            .errors(&[ErrorCode::FileNotFound, ErrorCode::ConversationNotFound])
    };
    vec![
        Operation::new("POST /v1/conversations/{id}/files", "announceFile", "Announce a file")
            .describe("For members who may send, with a profile. Folders before the name are cut off; 255 bytes of it may be left.")
            .idempotent()
            .body(Shape::request::<NewFile>(new))
            .answer(201, "The file, and how to upload it.", announced())
            .answer(200, "The file that the key has already; `upload` while it is pending.", announced())
            .errors(&[
                ErrorCode::FileTooLarge,
                ErrorCode::ConversationNotFound,
                ErrorCode::NotAMember,
                ErrorCode::ConversationClosed,
                ErrorCode::Blocked,
                ErrorCode::Muted,
                ErrorCode::ProfileRequired,
                ErrorCode::QuotaExceeded,
            ]),
        Operation::new("POST /v1/files/{id}/parts", "signParts", "Sign parts of an upload")
            .body(Shape::request::<PartsRequest>(json!({"parts": [{"part_number": 1, "sha256": SHA256}]})))
            .answer(200, "The signed requests.", Shape::answer::<SignedParts>(json!({"parts": [part]})))
            .errors(&[ErrorCode::FileNotFound, ErrorCode::UploadOver]),
        Operation::new("POST /v1/files/{id}/complete", "completeUpload", "Join the parts of an upload")
            .describe("Safe to repeat. The file stays `pending` until it is inspected.")
            .answer(200, "The file.", Shape::answer::<File>(file()))
            .errors(&[
                ErrorCode::FileNotFound,
                ErrorCode::InvalidRequest,
                ErrorCode::UploadIncomplete,
                ErrorCode::UploadOver,
            ]),
        Operation::new("GET /v1/files/{id}", "getFile", "Status of a file")
            .describe("With `conversation_id` and `seq`, for readers of that message, the attachment.")
            .query::<FileQuery>()
            .answer(200, "The file or attachment.", Shape::answer::<FileOrAttachment>(file()))
            .errors(&[ErrorCode::FileNotFound, ErrorCode::ConversationNotFound]),
        Operation::new("DELETE /v1/files/{id}", "deleteFile", "Cancel an upload; delete a file")
            .describe("For the owner of a file that no message references.")
            .no_content("The file is deleted.")
            .errors(&[ErrorCode::FileNotFound, ErrorCode::FileInUse]),
        download("GET /v1/files/{id}/content", "getContent", "Download").query::<FileQuery>(),
        download("GET /v1/files/{id}/thumbnail", "getThumbnail", "Download a thumbnail").query::<ThumbnailQuery>(),
    ]
}
