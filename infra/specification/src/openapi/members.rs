//! Members and their presence.

use domain::ErrorCode;
use domain::protocol::http::{
    AddMembersRequest, Member, MembersPage, PresencePage, PresenceQuery, UpdateMemberRequest, pages,
};
use serde_json::json;

use super::{Callers, Operation};
use crate::examples::{ALICE, AT, BOB, member};
use crate::shape::Shape;

/// Errors of every change of members.
const OF_CHANGES: [ErrorCode; 7] = [
    ErrorCode::ProfileRequired,
    ErrorCode::ConversationNotFound,
    ErrorCode::NotAMember,
    ErrorCode::NotAllowed,
    ErrorCode::ConversationClosed,
    ErrorCode::WrongConversationType,
    ErrorCode::RateLimited,
];

pub(super) fn operations() -> Vec<Operation> {
    let one = || Shape::answer::<Member>(member());
    vec![
        Operation::new("GET /v1/conversations/{id}/members", "listMembers", "List members")
            .describe("For members, ordered by user id.")
            .callers(Callers::UsersAndSystem)
            .page(pages::MEMBERS)
            .answer(200, "A page.", Shape::answer::<MembersPage>(json!({"members": [member()], "cursor": ALICE})))
            .errors(&[ErrorCode::ConversationNotFound, ErrorCode::NotAMember]),
        Operation::new("POST /v1/conversations/{id}/members", "addMembers", "Add members")
            .describe("For owners and admins. Adds all users or none; members among them are left out.")
            .callers(Callers::UsersAndSystem)
            .body(Shape::request::<AddMembersRequest>(json!({"user_ids": [BOB]})))
            .no_content("All are members.")
            .errors(&OF_CHANGES)
            .errors(&[
                ErrorCode::TooManyMembers,
                ErrorCode::SelfAdd,
                ErrorCode::UserNotFound,
                ErrorCode::MemberLimitReached,
                ErrorCode::TooManyPeriods,
            ]),
        Operation::new("PUT /v1/conversations/{id}/members/me", "joinConversation", "Join a public conversation")
            .callers(Callers::UsersAndBackends)
            .answer(200, "The caller as a member.", one())
            .errors(&OF_CHANGES)
            .errors(&[ErrorCode::TooManyPeriods, ErrorCode::MemberNotFound]),
        Operation::new("PATCH /v1/conversations/{id}/members/{user_id}", "updateMember", "Change a role; mute")
            .describe("At least one field is required. Roles are for owners, mutes for owners and admins.")
            .callers(Callers::UsersAndSystem)
            .body(Shape::request::<UpdateMemberRequest>(json!({"role": "admin", "muted_until": null})))
            .answer(200, "The member.", one())
            .errors(&OF_CHANGES)
            .errors(&[ErrorCode::MemberNotFound, ErrorCode::LastOwner]),
        Operation::new("DELETE /v1/conversations/{id}/members/{user_id}", "removeMember", "Leave; remove a member")
            .describe("With `me` or the caller's own id it leaves. It is no error if the user is not a member.")
            .callers(Callers::UsersAndSystem)
            .no_content("The user is not a member.")
            .errors(&OF_CHANGES),
        Operation::new("GET /v1/presence", "getPresence", "Presence of the members of a conversation")
            .query::<PresenceQuery>()
            .page(pages::PRESENCE)
            .answer(
                200,
                "A page.",
                Shape::answer::<PresencePage>(json!({
                    "members": [
                        {"user_id": ALICE, "online": true, "last_seen_at": null},
                        {"user_id": BOB, "online": false, "last_seen_at": AT}
                    ],
                    "cursor": null
                })),
            )
            .errors(&[ErrorCode::ConversationNotFound, ErrorCode::NotAMember, ErrorCode::Blocked]),
    ]
}
