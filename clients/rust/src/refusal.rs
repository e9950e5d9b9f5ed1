//! Refusals that no repeat changes.

use std::time::SystemTime;

use crate::token::is_expired;

/// The reason for which the server does not take a user's connections or requests: another token is needed, or nothing helps.
///
/// A WebSocket handshake says no more than 401 or 403, and in a browser not even that. So the client asks over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The `exp` of the token is over.
    #[error("the access token has expired: a fresh one is needed")]
    TokenExpired,
    /// The server does not accept the token: a wrong issuer or audience, a bad signature, or no token at all.
    #[error(
        "the server does not accept the access token: check its issuer and audience, and that it belongs to this deployment"
    )]
    TokenRefused,
    /// The account was deleted; none of its tokens is accepted again.
    #[error("the account was deleted")]
    UserDeleted,
}

impl Refusal {
    /// Returns the reason for a 401 to this token.
    pub(crate) fn of(token: &str) -> Self {
        if is_expired(token, SystemTime::now()) { Self::TokenExpired } else { Self::TokenRefused }
    }
}
