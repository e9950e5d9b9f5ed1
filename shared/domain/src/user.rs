//! Users and their profiles.

use serde::{Deserialize, Serialize};

use crate::characters::line_of;
use crate::{ApiError, AvatarId, Custom, Timestamp, UserId};

/// Longest display name, in characters.
pub const MAX_DISPLAY_NAME_CHARS: usize = 100;

/// Largest picture that a user may put as avatar, in bytes: with base64 it fits into an invocation of Lambda.
pub const MAX_AVATAR_BYTES: usize = 4 * 1024 * 1024;

/// A user as others see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    pub user_id: UserId,
    /// The name to show.
    pub display_name: String,
    /// What the app has added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Custom>,
    /// The picture of the user; another one has another id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_id: Option<AvatarId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A display name that keeps the rules: a [line](crate::characters) of at most [`MAX_DISPLAY_NAME_CHARS`] characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        line_of("display_name", text, MAX_DISPLAY_NAME_CHARS).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A profile as its user puts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub display_name: DisplayName,
    /// What the app adds from then on, or none; absent if that stays.
    #[allow(clippy::option_option, reason = "stays, or goes")]
    pub custom: Option<Option<Custom>>,
}

impl Profile {
    /// Checks what a client has sent.
    #[allow(clippy::option_option, reason = "absent, or `null`")]
    pub fn check(display_name: &str, custom: Option<Option<Custom>>) -> Result<Self, ApiError> {
        Ok(Self { display_name: DisplayName::parse(display_name)?, custom: custom.map(Custom::checked).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_name_is_trimmed_and_bounded() {
        assert_eq!(DisplayName::parse("  Zoë ").unwrap().as_str(), "Zoë");
        for bad in ["", "   ", "a\nb", &"é".repeat(101)] {
            assert!(DisplayName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(DisplayName::parse(&"é".repeat(100)).is_ok());
    }
}
