//! Search terms for public conversations.

use crate::ApiError;
use crate::characters::{is_blank, terms};

/// Longest search, in characters.
pub const MAX_SEARCH_CHARS: usize = 100;

/// The words of a search.
///
/// Every ASCII character that is not a letter or digit separates words, as in the searched texts. The database splits the words
/// of other scripts, on both sides alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Splits a search into words in the form of a [line](crate::characters); `None` for one without a visible character.
    pub fn parse(text: &str) -> Result<Option<Self>, ApiError> {
        if is_blank(text) {
            return Ok(None);
        }
        let text = terms(text);
        if text.chars().count() > MAX_SEARCH_CHARS {
            return Err(ApiError::invalid(format!("`q` can have at most {MAX_SEARCH_CHARS} characters.")));
        }
        let words = text.split(separates).filter(|word| !word.is_empty()).map(str::to_owned);
        Ok(Some(Self(words.collect())))
    }

    /// Returns the words. None of them has a character with a meaning in a query language.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn separates(char: char) -> bool {
    char.is_whitespace() || char.is_control() || (char.is_ascii() && !char.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_words_contain_no_query_syntax() {
        let words = |text| Words::parse(text).unwrap().map(|words| words.0);
        assert_eq!(words(" Rust's <-> 'n' | 4:*\\\0!").unwrap(), ["Rust", "s", "n", "4"]);
        assert_eq!(words("Zoë हिन्दी 日本語").unwrap(), ["Zoë", "हिन्दी", "日本語"]);
        assert_eq!(words("&&"), Some(Vec::new()));
        assert_eq!(words("  "), None);
        assert_eq!(words("\u{200b}"), None);
        assert_eq!(words("A\u{308}rger\0in\u{202e}Zu\u{200b}\u{308}rich\u{feff}").unwrap(), ["Ärger", "in", "Zürich"]);
        assert!(Words::parse(&"é".repeat(101)).is_err());
    }
}
