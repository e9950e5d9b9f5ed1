//! The characters of names, titles, topics, file names, search terms and texts: one definition for all of them.
//!
//! A *line* is what names, titles, topics, file names and search terms are. [`line()`] brings a text into that form:
//!
//! 1. It refuses controls, line and paragraph separators, and characters that turn the direction of writing.
//! 2. It removes characters that show nothing and have no role where they stand (`roles.rs`).
//! 3. It composes the rest (NFC) and cuts white space off both ends.
//! 4. It refuses a line without a visible character, and stacks of more than [`MAX_STACKED_MARKS`] marks.
//!
//! Lengths count what is left. Texts of messages stay as they are; [`is_blank`] tells which of them say nothing.

mod kind;
mod roles;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::ApiError;
use kind::Kind;

/// Most combining marks on one character: more than any language writes, and too few to reach into other lines.
pub const MAX_STACKED_MARKS: usize = 8;

/// Reasons for which a text is not a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error("must have a visible character")]
    Blank,
    #[error("must not have the character U+{:04X}, which is a control, breaks the line or turns its direction", u32::from(*.0))]
    Refused(char),
    #[error("must not have more than {MAX_STACKED_MARKS} marks on one character")]
    TooManyMarks,
}

/// Returns the text as a line, of any length.
pub fn line(text: &str) -> Result<String, LineError> {
    let text = text.trim();
    if let Some(refused) = text.chars().find(|c| Kind::of(*c) == Kind::Refused) {
        return Err(LineError::Refused(refused));
    }
    let kept = roles::without_idle(text);
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&kept);
    let line = composed.trim_matches(|c: char| Kind::of(c) == Kind::Space);
    if is_blank(line) {
        return Err(LineError::Blank);
    }
    let mut stacked = 0;
    for c in line.chars() {
        stacked = if Kind::is_stacked(c) { stacked + 1 } else { 0 };
        if stacked > MAX_STACKED_MARKS {
            return Err(LineError::TooManyMarks);
        }
    }
    Ok(line.to_owned())
}

/// Returns the words of a search in the form of a line: what a line refuses separates them.
pub(crate) fn terms(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if Kind::of(c) == Kind::Refused { ' ' } else { c }).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&roles::without_idle(&spaced)).into_owned()
}

/// Returns true for a text without a visible character: nothing but spaces, controls, marks without a letter, characters
/// that show nothing, and private ones, which every font shows differently.
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(|c| Kind::of(c) == Kind::Visible)
}

/// Returns the value of a field as a line of 1 to `max` characters.
pub(crate) fn line_of(field: &str, text: &str, max: usize) -> Result<String, ApiError> {
    let line = line(text).map_err(|error| ApiError::invalid(format!("`{field}` {error}.")))?;
    if line.chars().count() > max {
        return Err(ApiError::invalid(format!("`{field}` must have at most {max} characters.")));
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_scripts_stay_as_they_are() {
        for text in [
            "Zoë",
            "东京 写真クラブ",
            "กรุงเทพมหานคร",
            "שָׁלוֹם עולם",
            "محمد",
            // Persian, with a zero-width non-joiner.
            "می\u{200c}خواهم",
            // Malayalam: a word ends with virama and joiner.
            "അവന\u{d4d}\u{200d}",
            // Sinhala: a joiner within a word.
            "ශ\u{dca}\u{200d}රී",
            // Khmer: zero-width spaces separate words.
            "ភាសា\u{200b}ខ្មែរ",
            "Tiếng Việt",
            "हिन्दी",
            "O’Neill & Söhne (GmbH) #1",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "👩🏽\u{200d}🚀",
            "👨\u{200d}👩\u{200d}👧\u{200d}👦",
            "🏳\u{fe0f}\u{200d}🌈",
            "❤\u{fe0f}\u{200d}🔥",
            "🇨🇭",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            // A variant of an ideograph.
            "葛\u{e0100}",
            "⠓⠑⠇⠇⠕\u{2800}⠺⠕⠗⠇⠙",
            "\u{600}١٢",
        ] {
            assert_eq!(line(text).as_deref(), Ok(text), "{text:?}");
        }
    }

    #[test]
    fn a_line_without_a_visible_character_is_refused() {
        for blank in [
            "",
            " ",
            "\u{a0}",
            "\u{200b}",
            "\u{3164}",
            "\u{2800}",
            "\u{feff}",
            "\u{ad}",
            "\u{34f}",
            "\u{115f}",
            "\u{1160}",
            "\u{ffa0}",
            "\u{17b4}",
            "\u{180b}",
            "\u{180e}",
            "\u{200c}",
            "\u{200d}",
            "\u{200e}",
            "\u{200f}",
            "\u{61c}",
            "\u{2060}",
            "\u{2064}",
            "\u{2065}",
            "\u{206f}",
            "\u{3000}",
            "\u{fe0f}",
            "\u{fff0}",
            "\u{e0041}",
            "\u{e0100}",
            "\u{1d159}",
            "\u{1d173}",
            "\u{301}",
            "\u{13441}",
            "\u{f8ff}",
            "\u{10fffd}",
            " \u{200b}\u{2800} \u{3164}\u{200d}\u{fe0f}",
        ] {
            assert_eq!(line(blank), Err(LineError::Blank), "{blank:?}");
            assert!(is_blank(blank), "{blank:?}");
        }
    }

    #[test]
    fn nothing_breaks_or_turns_a_line() {
        for refused in [
            '\0',
            '\t',
            '\n',
            '\u{b}',
            '\u{c}',
            '\r',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{9f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202b}',
            '\u{202c}',
            '\u{202d}',
            '\u{202e}',
            '\u{2066}',
            '\u{2067}',
            '\u{2068}',
            '\u{2069}',
            '\u{fff9}',
            '\u{fffb}',
            '\u{fdd0}',
            '\u{fffe}',
            '\u{10ffff}',
        ] {
            assert_eq!(line(&format!("a{refused}b")), Err(LineError::Refused(refused)), "{refused:?}");
        }
    }

    #[test]
    fn characters_without_a_role_are_removed() {
        for (text, kept) in [
            ("\u{feff}Ada", "Ada"),
            ("Ada\u{200b}", "Ada"),
            (" \u{200b} Ada \u{2800} ", "Ada"),
            ("A\u{200b}d\u{ad}a\u{2060}", "Ada"),
            ("Ada\u{200d}", "Ada"),
            ("\u{200c}Ada", "Ada"),
            ("Ada \u{200d} Byron", "Ada  Byron"),
            ("A\u{3164}da", "Ada"),
            ("שלום\u{200f}!", "שלום!"),
            ("Ada\u{e0067}", "Ada"),
            ("Ada \u{fe0f}", "Ada"),
            ("e\u{34f}\u{301}", "e\u{34f}\u{301}"),
            ("می\u{200c}\u{200c}خواهم", "می\u{200c}خواهم"),
        ] {
            assert_eq!(line(text).as_deref(), Ok(kept), "{text:?}");
        }
    }

    #[test]
    fn lines_are_composed_and_come_out_the_same_again() {
        assert_eq!(line("A\u{308}rger").as_deref(), Ok("Ärger"));
        assert_eq!(line("\u{1100}\u{1161}").as_deref(), Ok("가"));
        for text in ["A\u{308}rger", "e\u{200b}\u{301}", "\u{200d}a\u{200d}\u{301}", "a\u{300}\u{34f}\u{301}\u{200c}b"]
        {
            let once = line(text).unwrap();
            assert_eq!(line(&once).as_deref(), Ok(once.as_str()), "{text:?}");
        }
    }

    #[test]
    fn marks_are_stacked_as_languages_do() {
        let stack = |marks: usize| format!("x{}", "\u{323}".repeat(marks));
        assert!(line(&stack(MAX_STACKED_MARKS)).is_ok());
        assert_eq!(line(&stack(MAX_STACKED_MARKS + 1)), Err(LineError::TooManyMarks));
        assert!(line("ཧཱུྂ༔").is_ok() && line("בְּרֵאשִׁ֖ית").is_ok());
    }

    #[test]
    fn length_counts_what_is_left() {
        assert!(line_of("title", &"e\u{301}".repeat(10), 10).is_ok());
        assert!(line_of("title", &"e\u{200b}".repeat(10), 10).is_ok());
        assert!(line_of("title", &"é".repeat(11), 10).is_err());
    }
}
