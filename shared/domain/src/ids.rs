//! Identifiers. Each is its own type, so that a user id cannot be passed as a conversation id.

use std::fmt;
use std::str::FromStr;

use serde::de::Unexpected;
use serde::{Deserialize, Deserializer, Serialize, de};
use uuid::{Builder, Uuid, Version};

use crate::number::{MAX_NUMBER, whole_number};
use crate::{ConversationType, Timestamp};

/// A text that is not a UUID in the form of the protocol: hexadecimal digits with hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a UUID")]
pub struct NotAUuid;

/// What a type expects where an id is; readers tell by it that an id is malformed.
pub(crate) const A_UUID: &str = "a UUID";

/// Reads the one form of a UUID, in small letters or capitals. Braces, URNs and digits without hyphens are other texts.
fn uuid(text: &str) -> Result<Uuid, NotAUuid> {
    const HYPHENATED: usize = 36;
    if text.len() == HYPHENATED { Uuid::try_parse(text).map_err(|_| NotAUuid) } else { Err(NotAUuid) }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(#[cfg_attr(feature = "schema", schemars(with = "crate::schema::UuidText"))] pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAUuid;

            fn from_str(text: &str) -> Result<Self, NotAUuid> {
                uuid(text).map(Self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(|_| de::Error::invalid_value(Unexpected::Str(&text), &A_UUID))
            }
        }
    };
}

uuid_id! {
    /// A user: the UUIDv5 of the token's issuer and subject, so that a token alone yields the user id without a look-up.
    UserId
}
uuid_id! {
    /// A conversation: a UUIDv7 made by the server, or a UUIDv8 of the same layout for a public one. So the id alone decides
    /// whether the recipients are members or subscribers. Those of an import are UUIDv5 instead of UUIDv7.
    ConversationId
}
uuid_id! {
    /// A message: a UUIDv7 whose time is the message's `sent_at`; of an import a UUIDv5.
    MessageId
}
uuid_id! {
    /// A file: a UUIDv7 made by the server; of an import a UUIDv5.
    FileId
}
uuid_id! {
    /// A picture of a user: the UUIDv5 of its bytes, so that the same picture has the same id.
    AvatarId
}
uuid_id! {
    /// An export: a UUIDv7 made by the server.
    ExportId
}
uuid_id! {
    /// An import: a UUIDv7 made by the server.
    ImportId
}
uuid_id! {
    /// Chosen by the sending client, unique per sender. It identifies a resend.
    ClientMessageId
}

impl UserId {
    /// The system: the actor of what a backend does as itself. No token has this id.
    pub const SYSTEM: Self = Self(Uuid::nil());

    /// Returns true for the system.
    pub fn is_system(self) -> bool {
        self == Self::SYSTEM
    }

    /// Returns true if a token may have this id: the system and other made-up ids belong to no token.
    pub fn is_of_token(self) -> bool {
        self.0.get_version() == Some(Version::Sha1)
    }

    /// Returns the user for a token of `issuer` with this `subject`.
    pub fn from_token(issuer: &str, subject: &str) -> Self {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, issuer.as_bytes());
        Self(Uuid::new_v5(&namespace, subject.as_bytes()))
    }
}

impl AvatarId {
    /// Returns the id of a picture of `user` with these bytes.
    pub fn of(user: UserId, picture: &[u8]) -> Self {
        Self(Uuid::new_v5(&user.0, picture))
    }
}

impl ConversationId {
    /// A fresh id of a conversation that is not public; ids made later sort later.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// A fresh id of a conversation of this kind.
    pub fn of_kind(kind: ConversationType) -> Self {
        let Self(id) = Self::generate();
        match kind {
            ConversationType::Public => {
                Self(Builder::from_bytes(id.into_bytes()).with_version(Version::Custom).into_uuid())
            }
            ConversationType::Private | ConversationType::Group => Self(id),
        }
    }

    /// Returns true for a public conversation.
    pub fn is_public(self) -> bool {
        self.0.get_version() == Some(Version::Custom)
    }
}

impl FileId {
    /// A fresh id; ids made later sort later.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl ExportId {
    /// A fresh id; ids made later sort later.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl ImportId {
    /// A fresh id; ids made later sort later.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl MessageId {
    /// Creates an id that holds `sent_at`.
    pub fn generate(sent_at: Timestamp) -> Self {
        let millis = sent_at.epoch_millis().unsigned_abs();
        let seconds = millis / 1000;
        // Below 1,000, times a million: always within u32.
        let nanos = u32::try_from(millis % 1000).unwrap_or_default() * 1_000_000;
        Self(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
    }
}

/// A position in a conversation's log. The first item has 1, the next 2, and so on without gaps; 0 is the position before the
/// first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Seq(pub u64);

impl Seq {
    /// The position before the first item.
    pub const ZERO: Self = Self(0);
    /// The largest seq that a JSON number holds exactly in every language: 2^53 - 1.
    pub const MAX: Self = Self(MAX_NUMBER);

    /// Returns true for the position before the first item.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }

    /// Returns the next position.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the seq before this one; zero for zero.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// A number beyond [`Seq::MAX`], or a text that is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number of at most {MAX_NUMBER}")]
pub struct NotASeq;

impl TryFrom<u64> for Seq {
    type Error = NotASeq;

    fn try_from(seq: u64) -> Result<Self, NotASeq> {
        if seq <= MAX_NUMBER { Ok(Self(seq)) } else { Err(NotASeq) }
    }
}

impl From<Seq> for u64 {
    fn from(Seq(seq): Seq) -> Self {
        seq
    }
}

impl FromStr for Seq {
    type Err = NotASeq;

    fn from_str(text: &str) -> Result<Self, NotASeq> {
        whole_number(text).map(Self).ok_or(NotASeq)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuer_and_subject_determine_the_user_id() {
        let alice = UserId::from_token("https://issuer.example", "alice");
        assert_eq!(alice, UserId::from_token("https://issuer.example", "alice"));
        assert_ne!(alice, UserId::from_token("https://issuer.example", "bob"));
        assert_ne!(alice, UserId::from_token("https://other.example", "alice"));
        assert!(alice.is_of_token() && !alice.is_system());
        assert!(UserId::SYSTEM.is_system() && !UserId::SYSTEM.is_of_token());
    }

    #[test]
    fn ids_and_seqs_have_one_form() {
        let id = "6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e";
        assert_eq!(id.to_uppercase().parse::<UserId>().map(|user| user.to_string()).as_deref(), Ok(id));
        for text in [
            "",
            "{6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e}",
            "6f0d5a637d2b5f3e9f1a2f4f5b6c7d8e",
            " 6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e",
            "urn:uuid:6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8e",
            "6f0d5a63-7d2b-5f3e-9f1a-2f4f5b6c7d8g",
        ] {
            assert_eq!(text.parse::<UserId>(), Err(NotAUuid), "{text}");
            assert!(serde_json::from_value::<UserId>(text.into()).is_err(), "{text}");
        }
        assert_eq!("9007199254740991".parse(), Ok(Seq::MAX));
        assert_eq!(serde_json::from_str::<Seq>("9007199254740991").ok(), Some(Seq::MAX));
        assert!("9007199254740992".parse::<Seq>().is_err() && serde_json::from_str::<Seq>("9007199254740992").is_err());
    }

    #[test]
    fn conversation_id_encodes_whether_it_is_public() {
        let kinds = [ConversationType::Private, ConversationType::Public, ConversationType::Group];
        let ids = kinds.map(ConversationId::of_kind);
        assert_eq!(ids.map(ConversationId::is_public), [false, true, false]);
        assert_eq!(ids.map(|id| id.0.get_version_num()), [7, 8, 7]);
        let millis = |id: ConversationId| u64::from_be_bytes(id.0.into_bytes()[..8].try_into().unwrap()) >> 16;
        assert!(ids.map(millis).is_sorted());
    }

    #[test]
    fn message_id_contains_its_time() {
        let sent_at = Timestamp::from_epoch_millis(1_764_000_000_123);
        let (seconds, nanos) = MessageId::generate(sent_at).0.get_timestamp().unwrap().to_unix();
        assert_eq!((seconds, nanos / 1_000_000), (1_764_000_000, 123));
    }
}
