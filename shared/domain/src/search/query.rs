//! A search for messages: words, phrases and a beginning, as terms.

use super::analysis::{Analysis, Span, Token, analysed_pieces};
use super::searched_line;
use super::terms::{Kind, Piece};
use crate::ApiError;

/// What the words of a search have to be like in a message: all clauses occur, each in the text or in the name of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageQuery(Vec<Clause>);

/// Terms that occur one after the other. At least one of the two parts is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clause {
    /// Terms that have to occur as they are.
    pub terms: Vec<String>,
    /// After them, a term that begins with this.
    pub prefix: Option<String>,
}

impl MessageQuery {
    /// Reads a search; `None` for one without a visible character.
    ///
    /// A word is a clause, and so is a phrase in quotation marks. The last word may be the beginning of a longer one, also within a
    /// phrase whose end is not typed yet. One of punctuation alone has no clauses, and finds nothing.
    pub fn parse(text: &str) -> Result<Option<Self>, ApiError> {
        let Some(text) = searched_line(text)? else { return Ok(None) };
        let mut clauses = Vec::new();
        let parts: Vec<&str> = text.split(QUOTATION_MARKS).collect();
        for (index, part) in parts.iter().enumerate() {
            let (is_phrase, is_last) = (index % 2 == 1, index + 1 == parts.len());
            if is_phrase {
                clauses.extend(Clause::of(part, is_last));
                continue;
            }
            let mut words = part.split_whitespace().peekable();
            while let Some(word) = words.next() {
                clauses.extend(Clause::of(word, is_last && words.peek().is_none()));
            }
        }
        Ok(Some(Self(clauses)))
    }

    /// Returns the clauses; none if nothing can match.
    pub fn clauses(&self) -> &[Clause] {
        &self.0
    }

    /// Returns true if a message with these texts (its own, and the names of its files) matches.
    pub fn matches(&self, texts: &[Analysis]) -> bool {
        let occurs = |clause: &Clause| texts.iter().any(|text| clause.occurs_in(text));
        !self.0.is_empty() && self.0.iter().all(occurs)
    }

    /// Returns true if an index proposes a message with these texts: it finds the beginning at the end of a phrase anywhere in a text.
    pub fn proposes(&self, texts: &[Analysis]) -> bool {
        let is_proposed = |clause: &Clause| {
            let [terms, prefix] = clause.parts();
            texts.iter().any(|text| [&terms, &prefix].iter().all(|part| part.is_empty() || part.occurs_in(text)))
        };
        !self.0.is_empty() && self.0.iter().all(is_proposed)
    }

    /// Returns the parts of a text that match a clause, in order and without overlap.
    pub fn highlights(&self, text: &Analysis) -> Vec<Span> {
        let mut spans: Vec<Span> = self.0.iter().flat_map(|clause| clause.occurrences(text)).collect();
        spans.sort_unstable();
        let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
        for [start, end] in spans {
            match merged.last_mut() {
                Some([_, last]) if start <= *last => *last = end.max(*last),
                _ => merged.push([start, end]),
            }
        }
        merged
    }
}

/// Marks that begin and end a phrase, as keyboards have them.
const QUOTATION_MARKS: [char; 4] = ['"', '“', '”', '„'];

impl Clause {
    /// Returns the terms of a word or phrase; `None` if it has none. An open one may go on.
    fn of(text: &str, is_open: bool) -> Option<Self> {
        let mut clause = Self::default();
        let mut pieces = analysed_pieces(text).into_iter().peekable();
        while let Some(piece) = pieces.next() {
            let is_last = pieces.peek().is_none();
            let Piece { kind, chars } = &piece;
            match kind {
                Kind::Word if is_last && is_open => clause.prefix = Some(piece.text()),
                Kind::Word | Kind::Symbol => clause.terms.push(piece.text()),
                Kind::Run => {
                    clause.terms.extend(chars.windows(2).map(super::terms::text_of));
                    // A run goes on in the text, unless something else follows here.
                    let single = chars.last().map(|last| last.char.to_string());
                    if !is_last {
                        clause.terms.extend(single);
                    } else if chars.len() == 1 {
                        clause.prefix = single;
                    }
                }
            }
        }
        (clause.prefix.is_some() || !clause.terms.is_empty()).then_some(clause)
    }

    /// Returns a clause of the whole terms, and one of the beginning.
    fn parts(&self) -> [Self; 2] {
        [Self { prefix: None, ..self.clone() }, Self { terms: Vec::new(), prefix: self.prefix.clone() }]
    }

    fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.prefix.is_none()
    }

    fn occurs_in(&self, text: &Analysis) -> bool {
        self.occurrences(text).next().is_some()
    }

    fn occurrences<'a>(&'a self, text: &'a Analysis) -> impl Iterator<Item = Span> + 'a {
        let length = self.terms.len() + usize::from(self.prefix.is_some());
        text.tokens().windows(length.max(1)).filter_map(|tokens| self.span(tokens))
    }

    /// Returns the part of the text if these tokens are an occurrence.
    fn span(&self, tokens: &[Token]) -> Option<Span> {
        let (terms, rest) = tokens.split_at_checked(self.terms.len())?;
        if !terms.iter().zip(&self.terms).all(|(token, term)| token.term == *term) {
            return None;
        }
        let [start, _] = tokens.first()?.start_to(1);
        let [_, end] = match (&self.prefix, rest) {
            (Some(prefix), [token]) if token.term.starts_with(prefix.as_str()) => {
                token.start_to(prefix.chars().count())
            }
            (None, []) => terms.last()?.start_to(usize::MAX),
            _ => return None,
        };
        Some([start, end])
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// A case of `tests/languages.json`: what finds a text, and what does not.
    #[derive(Deserialize)]
    struct Case {
        language: String,
        text: String,
        finds: Vec<String>,
        misses: Vec<String>,
    }

    fn parsed(text: &str) -> MessageQuery {
        MessageQuery::parse(text).unwrap().unwrap()
    }

    fn highlighted(search: &str, text: &str) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        let spans = parsed(search).highlights(&Analysis::of(text));
        spans.iter().map(|[start, end]| chars[*start as usize..*end as usize].iter().collect()).collect()
    }

    #[test]
    fn every_language_is_found_as_its_users_write_it() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../../../tests/languages.json")).unwrap();
        assert!(cases.len() >= 20);
        for Case { language, text, finds, misses } in cases {
            let analysis = [Analysis::of(&text)];
            for search in finds {
                assert!(parsed(&search).matches(&analysis), "{language}: {search:?} finds {text:?}");
                assert!(!parsed(&search).highlights(&analysis[0]).is_empty(), "{language}: {search:?}");
            }
            for search in misses {
                assert!(!parsed(&search).matches(&analysis), "{language}: {search:?} does not find {text:?}");
            }
        }
    }

    #[test]
    fn clauses_are_words_and_phrases_and_the_last_word_is_a_beginning() {
        let clause = |terms: &[&str], prefix: Option<&str>| Clause {
            terms: terms.iter().map(|term| (*term).to_owned()).collect(),
            prefix: prefix.map(str::to_owned),
        };
        for (search, clauses) in [
            ("Hello wor", &[clause(&["hello"], None), clause(&[], Some("wor"))][..]),
            ("\"hello wor\"", &[clause(&["hello", "wor"], None)]),
            ("a \"hello wor", &[clause(&["a"], None), clause(&["hello"], Some("wor"))]),
            ("snake_ca", &[clause(&["snake"], Some("ca"))]),
            ("snake_ca x", &[clause(&["snake", "ca"], None), clause(&[], Some("x"))]),
            ("東京の", &[clause(&["東京", "京の"], None)]),
            ("東", &[clause(&[], Some("東"))]),
            ("\"a東\"", &[clause(&["a"], Some("東"))]),
            ("東京2024", &[clause(&["東京", "京"], Some("2024"))]),
            ("&& \"\" ::", &[]),
        ] {
            assert_eq!(parsed(search).clauses(), clauses, "{search}");
        }
        assert_eq!(MessageQuery::parse(" \u{200b}").unwrap(), None);
        assert!(MessageQuery::parse(&"é".repeat(101)).is_err());
    }

    #[test]
    fn each_word_may_be_in_another_text() {
        let texts = [Analysis::of("See the attached"), Analysis::of("Budget 2026.xlsx"), Analysis::of("plan.pdf")];
        for (search, matches) in
            [("budget attached", true), ("2026.xlsx", true), ("\"attached budget\"", false), ("xlsx plan", true)]
        {
            assert_eq!(parsed(search).matches(&texts), matches, "{search}");
        }
    }

    #[test]
    fn highlights_are_what_was_searched_for() {
        for (search, text, parts) in [
            ("zur", "Grüße aus Zürich, Zürich!", &["Zür", "Zür"][..]),
            ("strasse", "die Straße", &["Straße"]),
            ("stra", "die Straße", &["Stra"]),
            ("京の", "東京の写真", &["京の"]),
            ("写", "東京の写真", &["写"]),
            ("東京の写", "東京の写真", &["東京の写"]),
            ("a.b", "x a.b() a. b", &["a.b", "a. b"]),
            ("\"brown fox\" fox", "A brown fox. A fox", &["brown fox", "fox"]),
            ("fi", "ﬁnance", &["ﬁ"]),
            ("🎉", "1 👩🏽‍🚀 🎉", &["🎉"]),
            ("مح", "مُحَمَّد", &["مُحَ"]),
        ] {
            assert_eq!(highlighted(search, text), parts, "{search} in {text}");
        }
    }
}
