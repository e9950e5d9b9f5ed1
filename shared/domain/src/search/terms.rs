//! Cutting: words where a script separates them by spaces, pairs of characters where it does not.

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};

use super::MAX_SEARCH_CHARS;
use super::fold::fold;

/// A term of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// A stored term begins with this.
    Prefix(String),
    /// These are stored one after the other.
    Run(Vec<String>),
}

/// Returns the terms to store for these texts, in order: words, and of a run of characters without spaces each pair of
/// neighbours and the last one. A run is therefore found from any of its characters on.
pub fn stored_terms(texts: &[&str]) -> Vec<String> {
    let mut terms = Vec::new();
    for text in texts {
        for piece in pieces(&fold(text)) {
            match piece {
                Piece::Word(word) => terms.push(word),
                Piece::Run(run) => {
                    terms.extend(pairs(&run));
                    terms.extend(run.last().map(char::to_string));
                }
            }
        }
    }
    terms
}

pub(super) fn searched_terms(text: &str) -> Vec<Term> {
    let term = |piece| match piece {
        Piece::Word(word) => Term::Prefix(word),
        Piece::Run(run) if run.len() == 1 => Term::Prefix(run.iter().collect()),
        Piece::Run(run) => Term::Run(pairs(&run).collect()),
    };
    pieces(&fold(text)).into_iter().map(term).collect()
}

fn pairs(run: &[char]) -> impl Iterator<Item = String> {
    run.windows(2).map(|pair| pair.iter().collect())
}

enum Piece {
    /// Characters of a word beyond the longest search are left out.
    Word(String),
    Run(Vec<char>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Run,
}

/// Cuts a folded text. Everything but letters, digits and marks separates.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut last = None;
    for char in text.chars() {
        let kind = kind(char, last);
        match (kind, pieces.last_mut()) {
            (Some(Kind::Word), Some(Piece::Word(word))) if last == kind => {
                if word.chars().count() < MAX_SEARCH_CHARS {
                    word.push(char);
                }
            }
            (Some(Kind::Run), Some(Piece::Run(run))) if last == kind => run.push(char),
            (Some(Kind::Word), _) => pieces.push(Piece::Word(char.to_string())),
            (Some(Kind::Run), _) => pieces.push(Piece::Run(vec![char])),
            (None, _) => {}
        }
        last = kind;
    }
    pieces
}

/// Returns the kind of piece that a character belongs to, given that of the one before it; `None` if it separates.
fn kind(char: char, last: Option<Kind>) -> Option<Kind> {
    let category = CodePointMapData::<GeneralCategory>::new().get(char);
    let is_mark = GeneralCategoryGroup::Mark.contains(category);
    if !char.is_alphanumeric() && !is_mark {
        return None;
    }
    match CodePointMapData::<Script>::new().get(char) {
        script if WITHOUT_SPACES.contains(&script) => Some(Kind::Run),
        // Marks, and signs of several scripts such as `ー`, go with what they follow. Digits do not.
        Script::Common | Script::Inherited if is_mark || !char.is_numeric() => last.or(Some(Kind::Word)),
        _ => Some(Kind::Word),
    }
}

/// Scripts that put no spaces between words, and Korean, whose compounds have none.
const WITHOUT_SPACES: [Script; 18] = [
    Script::Han,
    Script::Hiragana,
    Script::Katakana,
    Script::Bopomofo,
    Script::Hangul,
    Script::Yi,
    Script::Nushu,
    Script::Tangut,
    Script::Thai,
    Script::Lao,
    Script::Khmer,
    Script::Myanmar,
    Script::Tibetan,
    Script::Javanese,
    Script::Balinese,
    Script::TaiLe,
    Script::NewTaiLue,
    Script::TaiTham,
];
