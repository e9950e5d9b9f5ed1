//! PostgreSQL's binary `numeric` as text.
//!
//! Four 16-bit numbers (count of digits, weight of the first, sign, digits after the point), then digits of base
//! 10,000. The text has exactly as many decimals as the value's scale, as PostgreSQL prints it.

use std::error::Error;

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// Decimal digits in one digit of base 10,000.
const GROUP: usize = 4;

/// Prints a value in PostgreSQL's binary format.
pub(super) fn text(raw: &[u8]) -> Result<String, Box<dyn Error + Sync + Send>> {
    let (words, rest) = raw.as_chunks::<2>();
    let [count, weight, sign, scale, digits @ ..] = words else {
        return Err("short numeric".into());
    };
    let scale = usize::from(u16::from_be_bytes(*scale));
    let weight = i32::from(i16::from_be_bytes(*weight));
    if !rest.is_empty() || digits.len() != usize::from(u16::from_be_bytes(*count)) {
        return Err("malformed numeric".into());
    }
    let prefix = match u16::from_be_bytes(*sign) {
        POSITIVE => "",
        NEGATIVE => "-",
        NAN => return Ok("NaN".to_owned()),
        INFINITY => return Ok("Infinity".to_owned()),
        NEGATIVE_INFINITY => return Ok("-Infinity".to_owned()),
        _ => return Err("unknown sign of a numeric".into()),
    };
    // The digit that counts 10,000 to the power of `power`; those that are not sent are zero.
    let digit = |power: i32| {
        let index = usize::try_from(weight - power).ok();
        index.and_then(|index| digits.get(index)).map_or(0, |digit| u16::from_be_bytes(*digit))
    };
    let whole = decimal((0..=weight.max(0)).rev().map(&digit));
    let whole = whole.trim_start_matches('0');
    let mut fraction = decimal((1..).take(scale.div_ceil(GROUP)).map(|power| digit(-power)));
    fraction.truncate(scale);
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if scale == 0 { "" } else { "." };
    Ok(format!("{prefix}{whole}{point}{fraction}"))
}

/// Writes digits of base 10,000 with four decimal digits each.
fn decimal(digits: impl Iterator<Item = u16>) -> String {
    digits
        .flat_map(|digit| [1_000, 100, 10, 1].map(|divisor| u32::from(digit / divisor % 10)))
        .filter_map(|digit| char::from_digit(digit, 10))
        .collect()
}
