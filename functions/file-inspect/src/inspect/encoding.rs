//! Encodings of text: UTF-8, UTF-16 or UTF-32 with a mark of the byte order, or any encoding that has ASCII in it.

/// Returns true for bytes that occur in no text, as <https://mimesniff.spec.whatwg.org/#binary-data-byte> lists them. A text
/// with a byte order mark must have the encoding of the mark; its last character may be cut.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    let control = |c: char| matches!(c, '\0'..='\x08' | '\x0b' | '\x0e'..='\x1a' | '\x1c'..='\x1f');
    match order_of(bytes) {
        Some((order, true)) => {
            let mut characters = order.characters(bytes).peekable();
            while let Some(character) = characters.next() {
                match character {
                    Some(character) if control(character) => return true,
                    None if characters.peek().is_some() => return true,
                    _ => {}
                }
            }
            false
        }
        _ => bytes.iter().any(|byte| control(char::from(*byte))),
    }
}

/// Decodes the bytes as text, with a replacement character for invalid ones.
pub(super) fn lossy(bytes: &[u8]) -> String {
    match order_of(bytes) {
        Some((order, _)) => order.characters(bytes).map(|character| character.unwrap_or('\u{fffd}')).collect(),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Decodes valid UTF-8, or valid UTF-16 or UTF-32 with a byte order mark; `None` for other bytes. The second value is true for
/// UTF-8.
pub(super) fn strict(bytes: &[u8]) -> Option<(String, bool)> {
    match order_of(bytes) {
        Some((order, true)) => Some((order.characters(bytes).collect::<Option<_>>()?, false)),
        _ => Some((String::from_utf8(bytes.to_vec()).ok()?, true)),
    }
}

/// The byte order of wide units.
#[derive(Clone, Copy)]
struct Order {
    /// 2 or 4 bytes.
    width: usize,
    little: bool,
}

impl Order {
    /// The characters, and `None` for each unit that is none.
    fn characters(self, bytes: &[u8]) -> impl Iterator<Item = Option<char>> {
        let units = bytes.chunks(self.width).map(move |unit| {
            let fold = |number: u32, byte: &u8| (number << 8) | u32::from(*byte);
            if self.little { unit.iter().rev().fold(0, fold) } else { unit.iter().fold(0, fold) }
        });
        // A unit above 16 bits is a whole character; surrogates do not occur in UTF-32.
        let mut units = units.peekable();
        std::iter::from_fn(move || {
            let unit = units.next()?;
            let low = units.peek().copied().filter(|low| self.width == 2 && (0xdc00..0xe000).contains(low));
            match (unit, low) {
                (0xd800..0xdc00, Some(low)) => {
                    units.next();
                    Some(char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)))
                }
                _ => Some(char::from_u32(unit)),
            }
        })
    }
}

/// Returns the order of UTF-16 or UTF-32 units, and true if a byte order mark states it. Without a mark, browsers guess it from
/// the zero bytes of ASCII characters.
fn order_of(bytes: &[u8]) -> Option<(Order, bool)> {
    let order = |width, little| Order { width, little };
    match *bytes {
        [0xff, 0xfe, 0, 0, ..] => Some((order(4, true), true)),
        [0, 0, 0xfe, 0xff, ..] => Some((order(4, false), true)),
        [0xff, 0xfe, ..] => Some((order(2, true), true)),
        [0xfe, 0xff, ..] => Some((order(2, false), true)),
        [0, first, 0, ..] if first != 0 => Some((order(2, false), false)),
        [first, 0, second, 0, ..] if first != 0 && second != 0 => Some((order(2, true), false)),
        _ => None,
    }
}
