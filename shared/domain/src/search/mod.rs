//! Search: the terms of a text, and those of a search, for public conversations ([`Words`]) and for messages ([`MessageQuery`]).
//!
//! Texts are folded and cut here, before they are stored and before they are searched for, so that a search finds the same on
//! every platform, whatever the locale of the database or the analyzers of an index.

mod analysis;
mod cursor;
mod filter;
mod fold;
mod link;
mod query;
mod terms;

use crate::ApiError;
use crate::characters::{is_blank, terms as line_of_terms};

pub use analysis::{Analysis, Span};
pub use cursor::{InvalidCursor, SearchCursor};
pub use filter::{Has, SearchOrder};
pub use fold::fold;
pub use link::has_link;
pub use query::{Clause, MessageQuery};
pub use terms::{Term, stored_terms};

/// Longest search, in characters.
pub const MAX_SEARCH_CHARS: usize = 100;

/// The terms of a search, all of which a text has to contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<Term>);

impl Words {
    /// Splits a search into terms; `None` for one without a visible character. One of punctuation alone has no terms, and finds
    /// nothing.
    pub fn parse(text: &str) -> Result<Option<Self>, ApiError> {
        Ok(searched_line(text)?.map(|line| Self(terms::searched_terms(&line))))
    }

    /// Returns the terms. None of them has a character with a meaning in a query language.
    pub fn iter(&self) -> impl Iterator<Item = &Term> {
        self.0.iter()
    }
}

/// Returns a search as one line; `None` for one without a visible character.
fn searched_line(text: &str) -> Result<Option<String>, ApiError> {
    if is_blank(text) {
        return Ok(None);
    }
    let line = line_of_terms(text);
    if line.chars().count() > MAX_SEARCH_CHARS {
        return Err(ApiError::invalid(format!("`q` can have at most {MAX_SEARCH_CHARS} characters.")));
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Matches as the database does: a stored term at each position.
    fn finds(search: &str, texts: &[&str]) -> bool {
        let stored = stored_terms(texts);
        let Some(words) = Words::parse(search).unwrap() else { return true };
        !words.0.is_empty()
            && words.iter().all(|term| match term {
                Term::Prefix(prefix) => stored.iter().any(|stored| stored.starts_with(prefix.as_str())),
                Term::Run(run) => stored.windows(run.len()).any(|stored| stored == run),
            })
    }

    #[test]
    fn search_terms_contain_no_query_syntax() {
        let terms = |text| Words::parse(text).unwrap().map(|words| words.0);
        let prefixes = |words: &[&str]| words.iter().map(|word| Term::Prefix((*word).to_owned())).collect::<Vec<_>>();
        assert_eq!(terms(" Rust's <-> 'n' | 4:*\\\0!").unwrap(), prefixes(&["rust", "s", "n", "4"]));
        assert_eq!(terms("Zoë हिन्दी").unwrap(), prefixes(&["zoe", "हिन्दी"]));
        assert_eq!(terms("日本語").unwrap(), [Term::Run(vec!["日本".to_owned(), "本語".to_owned()])]);
        assert_eq!(terms("語").unwrap(), prefixes(&["語"]));
        assert_eq!(terms("&&"), Some(Vec::new()));
        assert_eq!(terms("  "), None);
        assert_eq!(terms("\u{200b}"), None);
        let line = terms("A\u{308}rger\0in\u{202e}Zu\u{200b}\u{308}rich\u{feff}");
        assert_eq!(line.unwrap(), prefixes(&["arger", "in", "zurich"]));
        assert!(Words::parse(&"é".repeat(101)).is_err());
        let hostile: String = (0..0x3000).filter_map(char::from_u32).collect();
        for term in stored_terms(&[&hostile]) {
            assert!(
                !term.is_empty() && !term.contains(['\'', '\\', ':', '&', '|', '!', '(', ')', '<', '*', ' ', '\0'])
            );
        }
    }

    #[test]
    fn spellings_of_a_word_are_one() {
        for (title, searches) in [
            ("Ärger in Zürich", &["ärger", "A\u{308}RGER", "zu\u{308}rich", "Zurich", "arger zur"][..]),
            ("A\u{308}rger", &["ärger", "Ärger"]),
            ("ΟΔΟΣ", &["οδος", "οδοσ", "Οδός", "οδ"]),
            ("οδός", &["ΟΔΟΣ", "ΌΔΌΣ"]),
            ("Straße", &["STRASSE", "strasse", "straẞe", "STRAẞE", "stra"]),
            ("STRASSE", &["straße"]),
            ("ｒｕｓｔ　ＣＬＵＢ", &["rust", "Club", "ｒｕ"]),
            ("Rust", &["ｒｕｓｔ", "RUST"]),
            ("ISPARTA Diyarbakır", &["ısparta", "isparta", "DİYARBAKIR", "diyarbakir"]),
            ("İstanbul", &["istanbul", "ISTANBUL", "i\u{307}stanbul"]),
            ("Ёлка ЙОД", &["елка", "ёлка", "е\u{308}лка", "йод"]),
            ("ﬁnance ①② ℡", &["finance", "12", "tel"]),
            ("מוּסִיקָה", &["מוסיקה"]),
            ("مُحَمَّد أحمد", &["محمد", "احمد", "أحمد", "محـــمد"]),
            ("ｶﾞｰﾃﾞﾝ", &["ガーデン", "カ\u{3099}ーテ\u{3099}ン"]),
            ("한국어 모임", &["한국", "국어", "모임", "\u{1112}\u{1161}\u{11ab}국"]),
            ("co\u{ad}op\u{200b}era\u{feff}tion", &["cooperation"]),
            ("Łódź Øresund", &["lodz", "ŁÓDŹ", "oresund"]),
        ] {
            for search in searches {
                assert!(finds(search, &[title]), "{search:?} finds {title:?}");
            }
        }
        assert!(!finds("カーテン", &["ガーデン"]), "the marks of kana are letters");
        assert!(!finds("मल", &["मूल"]), "and so are the vowels of Devanagari");
    }

    #[test]
    fn scripts_without_spaces_are_found_inside_of_a_run() {
        for (title, searches) in [
            ("東京の写真クラブ", &["写真", "京の写", "クラブ", "ブ", "東", "写真クラブ"][..]),
            ("咖啡爱好者", &["爱好", "咖啡", "好者", "者", "咖啡爱好者"]),
            ("กรุงเทพมหานคร", &["เทพ", "กรุง", "นคร", "มหา"]),
            ("Rust東京2024年会", &["rust", "東京", "2024", "年会", "rust東京"]),
            ("ラーメン", &["ーメ", "メン"]),
            ("ພາສາລາວ", &["ລາວ"]),
            ("ភាសាខ្មែរ", &["ខ្មែរ"]),
            ("မြန်မာ", &["မာ"]),
        ] {
            for search in searches {
                assert!(finds(search, &[title]), "{search:?} finds {title:?}");
            }
        }
        assert!(!finds("真写", &["東京の写真"]));
        assert!(!finds("京写真", &["東京の写真"]), "the characters follow each other");
        assert!(!finds("京写", &["東京", "写真"]), "across texts they do not");
        assert!(!finds("afé", &["Café"]), "words are found from their beginning");
    }

    #[test]
    fn terms_are_bounded() {
        let longest = "ß".repeat(1_200);
        assert!(stored_terms(&[&longest]).iter().all(|term| term.len() <= 400));
        assert!(finds(&"ß".repeat(100), &[&longest]));
        let expanding = "\u{fdfa}".repeat(1_200);
        assert!(stored_terms(&[&expanding]).len() < 16_000);
    }
}
