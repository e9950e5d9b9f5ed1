//! Roles of characters that show nothing: what they do to their neighbours, and where they do nothing.

use icu_properties::props::{
    CanonicalCombiningClass, EmojiModifier, ExtendedPictographic, GeneralCategory, JoiningType, LineBreak,
};
use icu_properties::{CodePointMapData, CodePointSetData};

use super::kind::Kind;

const NON_JOINER: char = '\u{200c}';
const JOINER: char = '\u{200d}';
const EMOJI_STYLE: char = '\u{fe0f}';
/// Begins the flag of a region, which tags spell and the last tag ends.
const BLACK_FLAG: char = '🏴';
const CANCEL_TAG: char = '\u{e007f}';
/// Most letters of a region: two of a country, three of its part, and room for longer ones.
const MAX_REGION_TAGS: usize = 8;

/// Returns the text without the hidden characters that have no role where they stand.
pub(super) fn without_idle(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if Kind::of(c) != Kind::Hidden || has_role(&kept, c, rest.as_str()) {
            kept.push(c);
        }
    }
    kept
}

fn has_role(before: &str, c: char, after: &str) -> bool {
    let (Some(previous), next) = (before.chars().next_back(), after.chars().next()) else { return false };
    match c {
        NON_JOINER => joins_letters(previous, next),
        JOINER => joins_letters(previous, next) || joins_emoji(previous, next),
        // Variants of the sign before: emoji or text style, shapes of ideographs and Mongolian letters.
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Kind::of(previous) == Kind::Visible,
        '\u{180b}'..='\u{180f}' => in_word(previous),
        // Keeps marks in the order in which they were written.
        '\u{34f}' => in_word(previous) && next.is_some_and(|next| Kind::of(next) == Kind::Mark),
        // Separates words of scripts that are written without spaces.
        '\u{200b}' => [Some(previous), next].into_iter().flatten().filter(|c| without_spaces(*c)).count() == 2,
        '\u{e0020}'..='\u{e007e}' => in_flag(before) && first_but_tags(after.chars()) == Some(CANCEL_TAG),
        CANCEL_TAG => in_flag(before) && previous != BLACK_FLAG,
        _ => false,
    }
}

/// Returns true between two letters of a word, and at the end of a word whose last letter a joiner shapes.
fn joins_letters(previous: char, next: Option<char>) -> bool {
    let shaped = || {
        let class = CodePointMapData::<CanonicalCombiningClass>::new().get(previous);
        let joining = CodePointMapData::<JoiningType>::new().get(previous);
        class == CanonicalCombiningClass::Virama
            || matches!(joining, JoiningType::DualJoining | JoiningType::LeftJoining | JoiningType::JoinCausing)
    };
    in_word(previous) && (next.is_some_and(in_word) || shaped())
}

fn joins_emoji(previous: char, next: Option<char>) -> bool {
    let pictograph = |c: char| CodePointSetData::new::<ExtendedPictographic>().contains(c);
    let ends =
        pictograph(previous) || previous == EMOJI_STYLE || CodePointSetData::new::<EmojiModifier>().contains(previous);
    ends && next.is_some_and(pictograph)
}

fn in_word(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    c.is_alphanumeric() && Kind::of(c) == Kind::Visible
        || matches!(category, GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark)
            && Kind::of(c) == Kind::Mark
}

fn without_spaces(c: char) -> bool {
    CodePointMapData::<LineBreak>::new().get(c) == LineBreak::ComplexContext
}

/// Returns true if the text ends with a black flag, or with one and tags.
fn in_flag(before: &str) -> bool {
    first_but_tags(before.chars().rev()) == Some(BLACK_FLAG)
}

/// Returns the first character that is no letter of a region; `None` behind more than any region has.
fn first_but_tags(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let is_letter = |c: &char| matches!(c, '\u{e0020}'..='\u{e007e}');
    characters.by_ref().take(MAX_REGION_TAGS + 1).find(|c| !is_letter(c))
}
