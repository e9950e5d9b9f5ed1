//! Search terms for public conversations.

use crate::ApiError;

/// Longest search, in characters.
pub const MAX_SEARCH_CHARS: usize = 100;

/// The words of a search.
///
/// Every ASCII character that is not a letter or digit separates words, as in the searched texts. The database splits the words
/// of other scripts, on both sides alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Splits a search into words; `None` for a search without words.
    pub fn parse(text: &str) -> Result<Option<Self>, ApiError> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        if text.chars().count() > MAX_SEARCH_CHARS {
            return Err(ApiError::invalid(format!("A search can have at most {MAX_SEARCH_CHARS} characters.")));
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
        assert!(Words::parse(&"é".repeat(101)).is_err());
    }
}
