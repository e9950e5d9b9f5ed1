//! Avatars: `PUT` and `DELETE /v1/users/me/avatar`, and `GET /v1/users/{id}/avatar`.
//!
//! Each user has at most one picture, made of what they have sent: a small one, and nothing but its pixels. It is in S3 before the
//! profile names it. A picture that a crash leaves there without a profile that names it is replaced by the next one, and removed with the
//! account.

mod serve;

use domain::error::causes;
use domain::file::{Rejection, ThumbnailSize};
use domain::user::{MAX_AVATAR_BYTES, User};
use domain::{ApiError, AvatarId, ErrorCode, UserId};
use lambda_kit::http::{Request, Response, no_such_route};
use store::s3::Objects;
use store::sql::Users;
use store::sql::users::Found;
use thumbnails::Thumbnail;

pub use serve::serve;

#[derive(Debug)]
pub struct Handler {
    pub users: Users,
    pub objects: Objects,
}

impl Handler {
    pub async fn handle(&self, request: Request) -> Result<Response, ApiError> {
        match request.route() {
            "PUT /v1/users/me/avatar" => self.put(&request).await,
            "DELETE /v1/users/me/avatar" => self.delete(&request).await,
            "GET /v1/users/{id}/avatar" => self.get(&request).await,
            _ => Err(no_such_route()),
        }
    }

    /// Makes the caller's avatar of a picture. Safe to repeat: the same picture has the same id. Cost: two SQL statements and one
    /// request to S3.
    async fn put(&self, request: &Request) -> Result<Response, ApiError> {
        let user = request.user_id();
        let picture = request.bytes()?;
        if picture.len() > MAX_AVATAR_BYTES {
            let message = format!("An avatar can have at most {MAX_AVATAR_BYTES} bytes.");
            return Err(ApiError::new(ErrorCode::BodyTooLarge, message));
        }
        // Decoding is slow, so it comes after the refusals.
        self.profile(user).await?;
        let Thumbnail { content_type, bytes, .. } = shrunk(user, picture).await?;
        let avatar = AvatarId::of(user, &bytes);
        self.objects.put_avatar(user, content_type, bytes).await?;
        Response::ok(&profile(self.users.set_avatar(user, Some(avatar)).await?)?)
    }

    /// Removes the caller's avatar; no error if there is none.
    async fn delete(&self, request: &Request) -> Result<Response, ApiError> {
        let user = request.user_id();
        profile(self.users.set_avatar(user, None).await?)?;
        self.objects.remove_avatar(user).await?;
        Ok(Response::no_content())
    }

    /// Answers with a URL of any user's avatar. Cost: one SQL statement.
    async fn get(&self, request: &Request) -> Result<Response, ApiError> {
        let (caller, user) = (request.user_id(), request.id("id")?);
        let found = self.users.get(&[caller, user]).await?;
        if found.contains(&Found::Deleted(caller)) {
            return Err(ApiError::user_deleted());
        }
        let has_avatar = found.iter().any(|found| match found {
            Found::User(found) => found.user_id == user && found.avatar_id.is_some(),
            Found::Deleted(_) => false,
        });
        if !has_avatar {
            return Err(ApiError::new(ErrorCode::AvatarNotFound, "The user does not exist, or has no avatar."));
        }
        Response::download(request, self.objects.sign_avatar(user).await?)
    }

    async fn profile(&self, user: UserId) -> Result<User, ApiError> {
        profile(self.users.get(&[user]).await?.pop())
    }
}

/// Returns the profile of a user who has one.
fn profile(found: Option<Found>) -> Result<User, ApiError> {
    match found {
        Some(Found::User(user)) => Ok(user),
        Some(Found::Deleted(_)) => Err(ApiError::user_deleted()),
        None => Err(ApiError::profile_required()),
    }
}

/// Makes a small picture with nothing but the pixels.
async fn shrunk(user: UserId, picture: Vec<u8>) -> Result<Thumbnail, ApiError> {
    // Decoding is slow, and a decoder may panic on hostile bytes; on a separate thread a panic is an error.
    let span = tracing::Span::current();
    let image = tokio::task::spawn_blocking(move || span.in_scope(|| thumbnails::thumbnails(&picture))).await;
    let image = image.unwrap_or_else(|error| {
        tracing::error!(user_id = %user, error = causes(&error), "a picture could not be decoded");
        Err(Rejection::ImageUnreadable)
    });
    let thumbnails = image.map(|image| image.thumbnails).unwrap_or_default();
    let small = thumbnails.into_iter().find(|thumbnail| thumbnail.size == ThumbnailSize::Small);
    small.ok_or_else(|| {
        let message = "Not a PNG, JPEG, GIF or WebP that can be read, or one with too many pixels.";
        ApiError::new(ErrorCode::InvalidImage, message)
    })
}
