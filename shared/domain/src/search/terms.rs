//! Cutting: words where a script separates them by spaces, pairs of characters where it does not.

use icu_properties::props::{ExtendedPictographic, GeneralCategory, GeneralCategoryGroup, RegionalIndicator, Script};
use icu_properties::{CodePointMapData, CodePointSetData};

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
        for piece in pieces(fold(text).chars().map(Folded::nowhere), false) {
            match piece.kind {
                Kind::Word | Kind::Symbol => terms.push(piece.text()),
                Kind::Run => {
                    terms.extend(pairs(&piece.chars));
                    terms.extend(piece.chars.last().map(|folded| folded.char.to_string()));
                }
            }
        }
    }
    terms
}

pub(super) fn searched_terms(text: &str) -> Vec<Term> {
    let term = |piece: Piece| match piece.kind {
        Kind::Run if piece.chars.len() > 1 => Term::Run(pairs(&piece.chars).collect()),
        _ => Term::Prefix(piece.text()),
    };
    pieces(fold(text).chars().map(Folded::nowhere), false).into_iter().map(term).collect()
}

fn pairs(run: &[Folded]) -> impl Iterator<Item = String> {
    run.windows(2).map(text_of)
}

/// A character of a folded text, and the part of the text that it comes from, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Folded {
    pub(super) char: char,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Folded {
    /// A character of a text in which positions do not matter.
    fn nowhere(char: char) -> Self {
        Self { char, start: 0, end: 0 }
    }
}

/// Characters that belong together.
pub(super) struct Piece {
    pub(super) kind: Kind,
    /// Never empty. Characters of a word beyond the longest search are left out.
    pub(super) chars: Vec<Folded>,
}

impl Piece {
    pub(super) fn text(&self) -> String {
        text_of(&self.chars)
    }
}

pub(super) fn text_of(chars: &[Folded]) -> String {
    chars.iter().map(|folded| folded.char).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// Characters without spaces between words.
    Run,
    /// One emoji, which is a term of its own.
    Symbol,
}

/// Cuts a folded text. Everything but letters, digits and marks separates; with `symbols`, an emoji is a piece of its own.
pub(super) fn pieces(text: impl IntoIterator<Item = Folded>, symbols: bool) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut last = None;
    for folded in text {
        let kind = match kind(folded.char, last) {
            // A search may begin inside of a run.
            Some(_) if symbols && last.is_none() && folded.char == LONG_VOWEL => Some(Kind::Run),
            None if symbols && is_symbol(folded.char) => Some(Kind::Symbol),
            kind => kind,
        };
        match (kind, pieces.last_mut()) {
            (Some(Kind::Word), Some(piece)) if last == kind => {
                if piece.chars.len() < MAX_SEARCH_CHARS {
                    piece.chars.push(folded);
                }
            }
            (Some(Kind::Run), Some(piece)) if last == kind => piece.chars.push(folded),
            (Some(kind), _) => pieces.push(Piece { kind, chars: vec![folded] }),
            (None, _) => {}
        }
        // A mark goes with a letter, never with an emoji.
        last = kind.filter(|kind| *kind != Kind::Symbol);
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

/// The sign that makes a vowel of kana long: a character of several scripts.
const LONG_VOWEL: char = 'ー';

/// Returns true for an emoji, and for a letter of a flag. A skin tone is none: it goes with the emoji before it.
fn is_symbol(char: char) -> bool {
    CodePointSetData::new::<ExtendedPictographic>().contains(char)
        || CodePointSetData::new::<RegionalIndicator>().contains(char)
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
