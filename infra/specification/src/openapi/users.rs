//! Operations of profiles and accounts.

use domain::ErrorCode;
use domain::file::Download;
use domain::protocol::http::{DeletionQuery, ProfileRequest, UserEntry, UsersPage, UsersQuery, pages};
use domain::user::User;
use serde_json::json;

use super::{Callers, Operation};
use crate::examples::{AT, BOB, user};
use crate::shape::Shape;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("PUT /v1/users/me", "putMyProfile", "Create or change one's profile")
            .callers(Callers::UsersAndBackends)
            .body(Shape::request::<ProfileRequest>(json!({"display_name": "Alice", "custom": {"title": "Captain"}})))
            .describe("Without `custom` it stays; `null` or an empty object removes it.")
            .answer(200, "The profile.", Shape::answer::<User>(user()))
            .errors(&[ErrorCode::CustomTooLarge]),
        Operation::new("GET /v1/users/me", "getMyProfile", "Read one's profile")
            .callers(Callers::UsersAndSystem)
            .answer(200, "The profile.", Shape::answer::<UserEntry>(user()))
            .errors(&[ErrorCode::ProfileRequired]),
        Operation::new("DELETE /v1/users/me", "deleteMyAccount", "Delete one's account permanently")
            .describe(
                "Repeating it is no error. Every other request of the user gets `user_deleted` from then on. With `messages=erase`, \
                 everything that the user wrote is erased after the answer.",
            )
            .callers(Callers::UsersAndBackends)
            .query::<DeletionQuery>()
            .no_content("The account is deleted."),
        Operation::new("PUT /v1/users/me/avatar", "putMyAvatar", "Set one's avatar")
            .describe(
                "The body is a PNG, JPEG, GIF or WebP of at most 4 MB. Kept is a small picture of it, with a longest side of 320 pixels, \
                 without EXIF data, and of an animation the first frame.",
            )
            .bytes(&["image/png", "image/jpeg", "image/gif", "image/webp"])
            .answer(200, "The profile.", Shape::answer::<User>(user()))
            .errors(&[ErrorCode::InvalidImage, ErrorCode::ProfileRequired]),
        Operation::new("DELETE /v1/users/me/avatar", "deleteMyAvatar", "Remove one's avatar")
            .describe("It is no error if there is none.")
            .no_content("There is no avatar.")
            .errors(&[ErrorCode::ProfileRequired]),
        Operation::new("GET /v1/users/{id}/avatar", "getAvatar", "Download an avatar")
            .describe("Answers 200 with the URL if `Accept` names `application/json`, else it redirects.")
            .answer(200, "Where the picture is.", Shape::answer::<Download>(json!({"url": "https://…", "expires_at": AT})))
            .redirects()
            .errors(&[ErrorCode::AvatarNotFound]),
        Operation::new("GET /v1/users/{id}", "getUser", "Read a profile")
            .callers(Callers::UsersAndSystem)
            .answer(200, "The profile, or that the user is deleted.", Shape::answer::<UserEntry>(user()))
            .errors(&[ErrorCode::UserNotFound]),
        Operation::new("GET /v1/users", "getUsers", "Read up to 100 profiles, or find users by name")
            .describe(
                "Either `ids`: the users are in that order, each once, and unknown ones are left out. Or `q`, with `limit`: users \
                 whose names have, for each word, a word that begins so, by name.",
            )
            .callers(Callers::UsersAndSystem)
            .query::<UsersQuery>()
            .page(pages::USERS)
            .answer(
                200,
                "The profiles.",
                Shape::answer::<UsersPage>(json!({"users": [user(), {"user_id": BOB, "deleted": true}]})),
            )
            .errors(&[ErrorCode::SearchOff]),
    ]
}
