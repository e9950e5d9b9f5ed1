//! Names of files: shown to users, never part of a key or a path.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::ApiError;
use crate::characters::line;

/// Longest name, in bytes of UTF-8: the limit of common file systems.
const MAX_BYTES: usize = 255;

/// A file name. A new one is the last component of a path, a [line](crate::characters) of 1 to 255 bytes of UTF-8: characters
/// that change the direction of writing could disguise the extension. Stored names are read as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct FileName(String);

impl FileName {
    /// Checks a new name and removes the folders before it.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        Self::check(text).map_err(|predicate| ApiError::invalid(format!("`name` {predicate}.")))
    }

    /// A name that was checked when it was stored, perhaps by other rules.
    pub const fn stored(name: String) -> Self {
        Self(name)
    }

    /// Reads a new name; for `deserialize_with`.
    pub(super) fn requested<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::check(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }

    fn check(text: &str) -> Result<Self, String> {
        let name = line(text.rsplit(['/', '\\']).next().unwrap_or(text)).map_err(|error| error.to_string())?;
        if name == "." || name == ".." || name.len() > MAX_BYTES {
            return Err(format!("must be a name of 1 to {MAX_BYTES} bytes"));
        }
        Ok(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of a `Content-Disposition` header (RFC 6266): the full name in `filename*` (RFC 5987), and its ASCII
    /// characters in `filename` for clients without support for `filename*`.
    pub fn disposition(&self, kind: &str) -> String {
        let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '%') || c == ' ' { c } else { '_' };
        let ascii: String = self.0.chars().map(plain).collect();
        let mut encoded = String::new();
        for byte in self.0.bytes() {
            // RFC 5987's `attr-char`.
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                encoded.push('%');
                encoded.push_str(&crate::hex(&[byte]).to_uppercase());
            }
        }
        format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_name_is_the_last_part_of_a_path() {
        for (given, name) in [
            ("a.txt", "a.txt"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\я 1.png", "я 1.png"),
            (" x ", "x"),
            (".profile", ".profile"),
        ] {
            assert_eq!(FileName::parse(given).unwrap().as_str(), name);
        }
        for bad in [
            "",
            "a/",
            "..",
            "a/..",
            "..\u{200b}",
            "a\nb",
            "a\0b",
            "\u{202e}gnp.exe",
            "\u{200b}",
            "\u{3164}",
            &"é".repeat(128),
        ] {
            assert!(FileName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(FileName::parse(&"e".repeat(255)).is_ok());
    }

    #[test]
    fn stored_names_are_read_by_no_rule() {
        let name: FileName = serde_json::from_str(r#""\u200b""#).unwrap();
        assert_eq!(name, FileName::stored("\u{200b}".to_owned()));
    }

    #[test]
    fn disposition_has_an_ascii_and_a_utf8_file_name() {
        let disposition = |name: &str| FileName::parse(name).unwrap().disposition("attachment");
        assert_eq!(disposition("a b.txt"), "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
        assert_eq!(disposition("é\"%;.png"), "attachment; filename=\"___;.png\"; filename*=UTF-8''%C3%A9%22%25%3B.png");
    }
}
