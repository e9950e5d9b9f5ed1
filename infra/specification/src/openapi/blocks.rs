//! Operations of blocks between users.

use domain::ErrorCode;
use domain::protocol::http::{BlocksPage, pages};
use serde_json::json;

use super::{Callers, Operation};
use crate::examples::BOB;
use crate::shape::Shape;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("GET /v1/blocks", "listBlocks", "List the users whom one blocks")
            .describe("Ordered by user id, those of private conversations included.")
            .callers(Callers::UsersAndBackends)
            .page(pages::BLOCKS)
            .answer(200, "A page.", Shape::answer::<BlocksPage>(json!({"user_ids": [BOB], "cursor": null}))),
        Operation::new("PUT /v1/blocks/{user_id}", "blockUser", "Block a user")
            .describe("In every conversation, and in the private one of the two if there is one.")
            .callers(Callers::UsersAndBackends)
            .no_content("The user is blocked.")
            .errors(&[
                ErrorCode::ProfileRequired,
                ErrorCode::UserNotFound,
                ErrorCode::InvalidRequest,
                ErrorCode::TooManyBlocks,
            ]),
        Operation::new("DELETE /v1/blocks/{user_id}", "unblockUser", "End a block")
            .describe("It is no error if the user is not blocked.")
            .callers(Callers::UsersAndBackends)
            .no_content("The user is not blocked.")
            .errors(&[ErrorCode::InvalidRequest]),
    ]
}
