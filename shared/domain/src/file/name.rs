//! Names of files: shown to users, never part of a key or a path.

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::ApiError;

/// Longest name, in bytes of UTF-8: the limit of common file systems.
const MAX_BYTES: usize = 255;

/// A valid file name: the last component of a path, 1 to 255 bytes of UTF-8. It has no control characters and no characters
/// that change the direction of writing, because those could disguise the extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FileName(String);

impl FileName {
    /// Checks a name and removes the folders before it.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let name = text.rsplit(['/', '\\']).next().unwrap_or_default().trim();
        let misleading = |c: char| c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}') || turns(c);
        if name.is_empty() || name == "." || name == ".." || name.len() > MAX_BYTES || name.contains(misleading) {
            let message = format!("`name` must have 1 to {MAX_BYTES} bytes and no control characters.");
            return Err(ApiError::invalid(message));
        }
        Ok(Self(name.to_owned()))
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

/// Embeddings, overrides and isolates of Unicode's bidirectional algorithm.
const fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl<'de> Deserialize<'de> for FileName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
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
        for bad in ["", "a/", "..", "a/..", "a\nb", "a\0b", "\u{202e}gnp.exe", &"é".repeat(128)] {
            assert!(FileName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(FileName::parse(&"e".repeat(255)).is_ok());
    }

    #[test]
    fn disposition_has_an_ascii_and_a_utf8_file_name() {
        let disposition = |name: &str| FileName::parse(name).unwrap().disposition("attachment");
        assert_eq!(disposition("a b.txt"), "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
        assert_eq!(disposition("é\"%;.png"), "attachment; filename=\"___;.png\"; filename*=UTF-8''%C3%A9%22%25%3B.png");
    }
}
