//! Folding: what users take for the same letter becomes the same character.

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, Script};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Folds a text: Unicode's compatibility forms and case, as in its `NFKC_Casefold`, and further the marks of scripts in which a
/// word stays the same without them (`Zürich` and `zurich`, `محمد` with or without its vowels), and letters with a stroke or
/// without a dot.
pub fn fold(text: &str) -> String {
    let nfkd = DecomposingNormalizerBorrowed::new_nfkd();
    let folded = CaseMapper::new().fold_string(&nfkd.normalize(text)).into_owned();
    let category = CodePointMapData::<GeneralCategory>::new();
    let script = CodePointMapData::<Script>::new();
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let mut letters = String::with_capacity(folded.len());
    let mut keeps_marks = false;
    for char in nfkd.normalize(&folded).chars() {
        if category.get(char) == GeneralCategory::NonspacingMark {
            if keeps_marks && !ignorable.contains(char) {
                letters.push(char);
            }
            continue;
        }
        if ignorable.contains(char) || char == TATWEEL {
            continue;
        }
        keeps_marks = !MARKS_ARE_OPTIONAL.contains(&script.get(char));
        match SIMPLER.iter().find(|(letter, _)| *letter == char) {
            Some((_, simpler)) => letters.push_str(simpler),
            None => letters.push(char),
        }
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(&letters).into_owned()
}

/// The stroke that makes Arabic words longer.
const TATWEEL: char = '\u{640}';

/// Scripts whose nonspacing marks can be left out. In all others they are vowels, tones or another letter.
const MARKS_ARE_OPTIONAL: [Script; 7] = [
    Script::Latin,
    Script::Greek,
    Script::Cyrillic,
    Script::Arabic,
    Script::Hebrew,
    Script::Syriac,
    // Digits and signs.
    Script::Common,
];

/// Letters that Unicode does not decompose, although people write them without their stroke, and Turkish `ı`, whose capital is `I`.
const SIMPLER: [(char, &str); 7] =
    [('ı', "i"), ('ł', "l"), ('ø', "o"), ('đ', "d"), ('ħ', "h"), ('æ', "ae"), ('œ', "oe")];
