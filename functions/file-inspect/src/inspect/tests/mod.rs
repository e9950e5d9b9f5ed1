mod svg;
mod types;

use domain::file::{ContentType, Rejection};

use super::inspect;

/// Returns the outcome for bytes that are announced as this type.
fn inspected_as(declared: &str, bytes: &[u8]) -> Result<(), Rejection> {
    inspect(&ContentType::parse(declared).unwrap(), bytes)
}

/// In UTF-16, with a mark of the byte order if that is wanted.
fn utf16(text: &str, little: bool, mark: bool) -> Vec<u8> {
    let mark = mark.then_some('\u{feff}');
    let text: String = mark.into_iter().chain(text.chars()).collect();
    text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
}
