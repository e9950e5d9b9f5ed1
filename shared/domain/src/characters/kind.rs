//! Kinds of characters, by Unicode's properties.

use icu_properties::props::{
    DefaultIgnorableCodePoint, GeneralCategory, NoncharacterCodePoint, PrependedConcatenationMark,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// What a character is, for a reader of the line that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A letter, digit, sign or emoji. Characters of later versions of Unicode count as such.
    Visible,
    /// A mark on the character before it.
    Mark,
    /// Space of any width, blank signs of scripts included.
    Space,
    /// Shows nothing; it may have a role between its neighbours.
    Hidden,
    /// Of private use: without a meaning that two users share.
    Private,
    /// A control, a break of the line, a change of its direction, or no character at all.
    Refused,
}

impl Kind {
    pub(super) fn of(c: char) -> Self {
        match c {
            // Embeddings, overrides and isolates, and annotations that put text between lines.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fff9}'..='\u{fffb}' => return Self::Refused,
            // The blanks of Braille, hieroglyphs and music. Unicode has them as letters and symbols.
            '\u{2800}' | '\u{13441}' | '\u{13442}' | '\u{1d159}' => return Self::Space,
            _ if c.is_ascii_graphic() => return Self::Visible,
            _ => {}
        }
        if CodePointSetData::new::<NoncharacterCodePoint>().contains(c) {
            return Self::Refused;
        }
        if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) {
            return Self::Hidden;
        }
        match CodePointMapData::<GeneralCategory>::new().get(c) {
            GeneralCategory::Control
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::Surrogate => Self::Refused,
            GeneralCategory::SpaceSeparator => Self::Space,
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark | GeneralCategory::SpacingMark => {
                Self::Mark
            }
            GeneralCategory::PrivateUse => Self::Private,
            // Some numbers are written with a visible sign of this category; the others arrange their neighbours.
            GeneralCategory::Format if !CodePointSetData::new::<PrependedConcatenationMark>().contains(c) => Self::Mark,
            _ => Self::Visible,
        }
    }

    /// Returns true for a mark above, below or around a character: one that takes no width of its own.
    pub(super) fn is_stacked(c: char) -> bool {
        let category = CodePointMapData::<GeneralCategory>::new().get(c);
        matches!(category, GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
    }
}
