//! The analyzers `standard` and `whitespace`, as OpenSearch has them built in.

use serde::{Deserialize, Serialize};
use tantivy::tokenizer::Token;
use unicode_segmentation::UnicodeSegmentation;

/// Longest token in characters: a longer run is cut.
const MAX_TOKEN_LENGTH: usize = 255;

/// Distance of positions between the values of a field: a phrase does not reach over it.
const VALUE_GAP: usize = 100;

/// An analyzer of a text field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Analyzer {
    /// Words by Unicode's rules (UAX #29), in lower case.
    Standard,
    /// Runs between white space, as they are.
    Whitespace,
}

impl Analyzer {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "standard" => Some(Self::Standard),
            "whitespace" => Some(Self::Whitespace),
            _ => None,
        }
    }

    /// Cuts a text into its terms, in their order.
    pub(crate) fn terms(self, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        match self {
            Self::Whitespace => text.split(is_white_space).for_each(|run| push(&mut terms, run)),
            Self::Standard => standard(text).for_each(|word| push(&mut terms, &lower_case(word))),
        }
        terms
    }

    /// Cuts the values of a field into tokens with their positions.
    pub(crate) fn tokens(self, values: &[String]) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut position = 0;
        for value in values {
            for text in self.terms(value) {
                tokens.push(Token { position, text, position_length: 1, ..Token::default() });
                position += 1;
            }
            position += VALUE_GAP;
        }
        tokens
    }
}

/// Adds a run, cut where it is too long.
fn push(terms: &mut Vec<String>, run: &str) {
    if run.len() <= MAX_TOKEN_LENGTH {
        if !run.is_empty() {
            terms.push(run.to_owned());
        }
        return;
    }
    let characters: Vec<char> = run.chars().collect();
    terms.extend(characters.chunks(MAX_TOKEN_LENGTH).map(|part| part.iter().collect::<String>()));
}

/// Java's idea of white space: spaces that do not break are none.
fn is_white_space(character: char) -> bool {
    match character {
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}' => false,
        '\u{1c}'..='\u{1f}' => true,
        other => other.is_whitespace(),
    }
}

/// The words of a text. A run of a script without spaces, such as Thai, is one word.
fn standard(text: &str) -> impl Iterator<Item = &str> {
    let mut bounds = text.split_word_bound_indices().filter(|(_, part)| is_word(part)).peekable();
    std::iter::from_fn(move || {
        let (start, part) = bounds.next()?;
        let mut end = start + part.len();
        if is_complex(part) {
            while let Some((next, part)) = bounds.next_if(|(next, part)| *next == end && is_complex(part)) {
                end = next + part.len();
            }
        }
        Some(&text[start..end])
    })
}

fn is_word(part: &str) -> bool {
    part.chars().any(char::is_alphanumeric) || part.chars().next().is_some_and(is_emoji)
}

/// Pictures and the letters of flags; of the older blocks only what is shown as a picture by itself or with a selector.
fn is_emoji(character: char) -> bool {
    matches!(character, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b50}' | '\u{2b55}')
}

/// Scripts of South-East Asia, whose words only a dictionary can tell: Thai, Lao, Myanmar, Khmer.
fn is_complex(part: &str) -> bool {
    part.chars().next().is_some_and(
        |character| matches!(character, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'),
    )
}

/// Lower case of each character by itself, as Lucene has it: no word knows its last letter.
fn lower_case(word: &str) -> String {
    // The capital I with a dot has two characters in lower case; Java takes the first.
    word.chars().filter_map(|character| character.to_lowercase().next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard(text: &str) -> Vec<String> {
        Analyzer::Standard.terms(text)
    }

    #[test]
    fn standard_has_words_in_lower_case() {
        assert_eq!(
            standard("The 2 QUICK Brown-Foxes can't pay 3.14!"),
            ["the", "2", "quick", "brown", "foxes", "can't", "pay", "3.14"]
        );
        assert_eq!(standard("snake_case a.b x@y.z"), ["snake_case", "a.b", "x", "y.z"]);
        assert_eq!(
            standard("東京 ひらがな カタカナ 한국어"),
            ["東", "京", "ひ", "ら", "が", "な", "カタカナ", "한국어"]
        );
        assert_eq!(standard("ภาษาไทย ok"), ["ภาษาไทย", "ok"]);
        assert_eq!(standard("ΟΔΟΣ"), ["οδοσ"]);
    }

    #[test]
    fn whitespace_leaves_everything_else() {
        assert_eq!(Analyzer::Whitespace.terms(" a-B  c,\tD\u{a0}e\n"), ["a-B", "c,", "D\u{a0}e"]);
    }

    #[test]
    fn long_runs_are_cut_and_values_stand_apart() {
        let lengths = |text: &str| Analyzer::Whitespace.terms(text).iter().map(String::len).collect::<Vec<_>>();
        assert_eq!(lengths(&"x".repeat(600)), [255, 255, 90]);
        let tokens = Analyzer::Whitespace.tokens(&["a b".to_owned(), "c".to_owned()]);
        assert_eq!(tokens.iter().map(|token| token.position).collect::<Vec<_>>(), [0, 1, 102]);
    }
}
