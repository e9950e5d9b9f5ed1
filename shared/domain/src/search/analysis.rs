//! Analysis of a message's text: its terms, and the part of the text that each comes from.
//!
//! Terms of an index, of a query, of a check and of highlights all come from here, so that they agree.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointSetData};

use super::fold::fold;
use super::terms::{Folded, Kind, Piece, pieces, text_of};

/// A part of a text, in characters (Unicode code points): from the first one to the one after the last.
pub type Span = [u32; 2];

/// A text, cut into terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Analysis {
    tokens: Vec<Token>,
}

/// A term and its characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) term: String,
    /// The folded characters, with the parts of the text that they come from. Never empty.
    chars: Vec<Folded>,
}

impl Token {
    fn new(chars: &[Folded]) -> Self {
        Self { term: text_of(chars), chars: chars.to_vec() }
    }

    /// Returns the part of the text with the first `chars` characters of the term.
    pub(super) fn start_to(&self, chars: usize) -> Span {
        let last = self.chars.get(chars.saturating_sub(1)).or(self.chars.last());
        [self.chars.first().map_or(0, |first| first.start), last.map_or(0, |last| last.end)]
    }
}

impl Analysis {
    /// Analyses a text. Cost: a microsecond for each few characters.
    pub fn of(text: &str) -> Self {
        let mut tokens = Vec::new();
        for Piece { kind, chars } in analysed_pieces(text) {
            match kind {
                Kind::Word | Kind::Symbol => tokens.push(Token::new(&chars)),
                Kind::Run => {
                    tokens.extend(chars.windows(2).map(Token::new));
                    tokens.extend(chars.last().map(|last| Token::new(&[*last])));
                }
            }
        }
        Self { tokens }
    }

    /// Returns the terms in order. None is empty or has white space.
    pub fn terms(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(|token| token.term.as_str())
    }

    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }
}

/// Cuts a text into the pieces from which terms are made.
pub(super) fn analysed_pieces(text: &str) -> Vec<Piece> {
    let mut folded = Vec::with_capacity(text.len());
    let mut start = 0;
    for cluster in clusters(text) {
        let end = start + u32::try_from(cluster.chars().count()).unwrap_or(u32::MAX);
        match cluster.as_bytes() {
            [ascii] => folded.push(Folded { char: char::from(ascii.to_ascii_lowercase()), start, end }),
            _ => folded.extend(fold(cluster).chars().map(|char| Folded { char, start, end })),
        }
        start = end;
    }
    pieces(folded, true)
}

/// Splits a text into characters with what joins them: folding each of these is the same as folding the whole.
fn clusters(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.char_indices().skip(1).find(|(_, char)| !joins(*char)).map_or(rest.len(), |(at, _)| at);
        let (cluster, left) = rest.split_at(end);
        rest = left;
        (!cluster.is_empty()).then_some(cluster)
    })
}

/// Returns true for a character that folding may join to the one before it: marks, what shows nothing, vowels and final consonants of
/// Korean that are written apart, and the voicing marks of half-width kana.
fn joins(char: char) -> bool {
    if char.is_ascii() {
        return false;
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(char);
    matches!(char, '\u{1160}'..='\u{11ff}' | '\u{d7b0}'..='\u{d7ff}' | '\u{ff9e}' | '\u{ff9f}')
        || GeneralCategoryGroup::Mark.contains(category)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_by_clusters_is_folding_the_whole() {
        for text in [
            "Ärger A\u{308}rger STRASSE straße ΟΔΟΣ οδός İi\u{307}ıI",
            "מוּסִיקָה مُحَمَّد محـــمد हिन्दी กรุงเทพ",
            "ｶﾞｰﾃﾞﾝ ガーデン カ\u{3099}ーテ\u{3099}ン 한국어 \u{1112}\u{1161}\u{11ab}국",
            "ｒｕｓｔ　①② ℡ ﬁ \u{fdfa} co\u{ad}op\u{200b}era\u{feff}tion",
            "👩🏽\u{200d}🚀 🇩🇪 1\u{fe0f}\u{20e3} ❤\u{fe0f}",
            "\u{301}a\u{301}\0\r\n\u{202e}b\u{200b}",
        ] {
            let apart: String = clusters(text).map(fold).collect();
            assert_eq!(apart, fold(text), "{text:?}");
        }
    }

    #[test]
    fn every_character_belongs_to_one_cluster() {
        let text: String = (0..0x3100).filter_map(char::from_u32).collect();
        assert_eq!(clusters(&text).collect::<String>(), text);
        assert_eq!(clusters("").next(), None);
    }

    #[test]
    fn terms_know_the_characters_that_they_come_from() {
        let analysis = Analysis::of("A\u{308}rger: 東京ﬁ🎉");
        let spans: Vec<_> =
            analysis.tokens().iter().map(|token| (token.term.as_str(), token.start_to(usize::MAX))).collect();
        assert_eq!(spans, [("arger", [0, 6]), ("東京", [8, 10]), ("京", [9, 10]), ("fi", [10, 11]), ("🎉", [11, 12])]);
        assert_eq!(analysis.tokens()[0].start_to(1), [0, 2]);
    }
}
