//! Pictures of users, one object for each of them.

use aws_sdk_s3::primitives::ByteStream;
use domain::UserId;
use domain::file::Download;

use super::download::sign;
use super::{Objects, s3};
use crate::StoreError;

fn avatar_key(user: UserId) -> String {
    format!("avatars/{user}")
}

impl Objects {
    /// Puts the picture of a user in the place of the one before.
    pub async fn put_avatar(&self, user: UserId, content_type: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let put = self.client.put_object().bucket(&self.bucket).key(avatar_key(user));
        put.content_type(content_type).body(ByteStream::from(bytes)).send().await.map(drop).map_err(s3)
    }

    /// Removes the picture of a user, if there is one.
    pub async fn remove_avatar(&self, user: UserId) -> Result<(), StoreError> {
        self.client.delete_object().bucket(&self.bucket).key(avatar_key(user)).send().await.map(drop).map_err(s3)
    }

    /// Signs a URL of the picture of a user. Makes no request.
    pub async fn sign_avatar(&self, user: UserId) -> Result<Download, StoreError> {
        sign(self.client.get_object().bucket(&self.bucket).key(avatar_key(user))).await
    }
}
