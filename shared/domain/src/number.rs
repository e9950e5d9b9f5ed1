//! Whole numbers of the protocol, the same in JSON, queries and paths.

/// The largest number that JSON parsers of every language hold exactly: 2^53 - 1.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Reads a whole number as JSON writes it: digits alone, without a leading zero, at most [`MAX_NUMBER`].
pub fn whole_number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if !digits || leading_zero {
        return None;
    }
    text.parse().ok().filter(|number| *number <= MAX_NUMBER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_json() {
        assert_eq!(
            (whole_number("0"), whole_number("7"), whole_number("9007199254740991")),
            (Some(0), Some(7), Some(MAX_NUMBER))
        );
        for text in ["", "+1", "-1", "-0", "007", "00", " 1", "1 ", "1.0", "1e3", "0x1", "١", "9007199254740992", "1_0"]
        {
            assert_eq!(whole_number(text), None, "{text:?}");
        }
    }
}
