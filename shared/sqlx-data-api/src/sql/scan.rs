//! Cuts SQL text into the few kinds of pieces that matter here, by the rules of PostgreSQL's own scanner (`scan.l`).
//!
//! `standard_conforming_strings` is on, as it is by default since PostgreSQL 9.1: there is no session in which to turn it off.

/// The kind of a piece of SQL text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or an unquoted identifier.
    Word,
    /// Operators, numbers, white space, brackets.
    Code,
    /// A string, a dollar-quoted string or a quoted identifier, delimiters included.
    Quoted,
    /// A line or block comment.
    Comment,
    /// A placeholder with its number: `$1` is `Placeholder(1)`.
    Placeholder(usize),
    /// The separator of statements, `;`.
    Semicolon,
}

/// Returns the pieces of `sql` in order; together they are the whole text.
///
/// Text that PostgreSQL would refuse (an unclosed string) is one piece to its end: the server's error is clearer.
pub(super) fn scan(sql: &str) -> impl Iterator<Item = (Kind, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &sql[at..];
        let first = rest.bytes().next()?;
        let (kind, length) = piece(rest, first);
        at += length;
        Some((kind, &rest[..length]))
    })
}

fn piece(rest: &str, first: u8) -> (Kind, usize) {
    match first {
        b';' => (Kind::Semicolon, 1),
        b'\'' => (Kind::Quoted, delimited(rest, "'")),
        b'"' => (Kind::Quoted, delimited(rest, "\"")),
        b'$' => dollar(rest),
        b'-' if rest.starts_with("--") => (Kind::Comment, line_comment(rest)),
        b'/' if rest.starts_with("/*") => (Kind::Comment, block_comment(rest)),
        _ if starts_word(first) => match rest.as_bytes() {
            [b'e' | b'E', b'\'', ..] => (Kind::Quoted, escape_string(rest)),
            _ => (Kind::Word, prefix(rest, continues_word)),
        },
        _ => (Kind::Code, code(rest)),
    }
}

/// The rest of the line: a carriage return ends it as well.
fn line_comment(rest: &str) -> usize {
    prefix(rest, |byte| !is_newline(byte))
}

fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_space(byte: u8) -> bool {
    // The vertical tab is one since PostgreSQL 16, and an error before.
    is_newline(byte) || matches!(byte, b' ' | b'\t' | b'\x0b' | b'\x0c')
}

/// PostgreSQL counts every character beyond ASCII as a letter.
fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}

/// A `$` inside an identifier belongs to it, so `a$1` holds no placeholder.
fn continues_word(byte: u8) -> bool {
    starts_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn prefix(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !belongs(byte)).unwrap_or(text.len())
}

/// Up to the byte that may start another kind of piece. A number swallows the letters that touch it (`1e5`, `0xff`).
fn code(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    if bytes[0].is_ascii_digit() {
        return prefix(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
    }
    let stops = |at: usize| {
        let byte = bytes[at];
        matches!(byte, b';' | b'\'' | b'"' | b'$')
            || byte.is_ascii_digit()
            || starts_word(byte)
            || bytes[at..].starts_with(b"--")
            || bytes[at..].starts_with(b"/*")
    };
    (1..bytes.len()).find(|&at| stops(at)).unwrap_or(bytes.len())
}

/// A doubled delimiter ends one piece and begins the next, which comes to the same.
fn delimited(rest: &str, delimiter: &str) -> usize {
    rest[1..].find(delimiter).map_or(rest.len(), |end| end + 2)
}

/// `E'…'`: a backslash takes the next character with it, and the string goes on after white space with a line break.
fn escape_string(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 2;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => match gap(&rest[at + 1..]) {
                Some(gap) => at += 1 + gap,
                None => return at + 1,
            },
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of the gap inside a string that goes on in a later line, with the quote that ends the gap. Comments may stand in it.
fn gap(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let (mut at, mut broken) = (0, false);
    loop {
        match bytes.get(at)? {
            b'\'' if broken => return Some(at + 1),
            byte if is_space(*byte) => {
                broken |= is_newline(*byte);
                at += 1;
            }
            b'-' if bytes[at..].starts_with(b"--") => at += line_comment(&rest[at..]),
            _ => return None,
        }
    }
}

fn dollar(rest: &str) -> (Kind, usize) {
    let digits = prefix(&rest[1..], |byte| byte.is_ascii_digit());
    if digits > 0 {
        // A number beyond `usize` names a parameter that cannot be bound; so does the largest one.
        let number = rest[1..=digits].parse().unwrap_or(usize::MAX);
        return (Kind::Placeholder(number), digits + 1);
    }
    let tag = prefix(&rest[1..], |byte| continues_word(byte) && byte != b'$');
    if rest.as_bytes().get(tag + 1) != Some(&b'$') {
        return (Kind::Code, 1);
    }
    let delimiter = &rest[..tag + 2];
    let body = &rest[delimiter.len()..];
    let length = body.find(delimiter).map_or(rest.len(), |end| end + 2 * delimiter.len());
    (Kind::Quoted, length)
}

/// Block comments nest in PostgreSQL.
fn block_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholders(sql: &str) -> Vec<usize> {
        let whole: String = scan(sql).map(|(_, text)| text).collect();
        assert_eq!(whole, sql, "the pieces are the whole text");
        scan(sql)
            .filter_map(|(kind, _)| match kind {
                Kind::Placeholder(number) => Some(number),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn placeholders_in_code_are_found() {
        assert_eq!(placeholders("select $1,$2::uuid, a[$3:$10] from t where b=$1"), [1, 2, 3, 10, 1]);
        assert_eq!(placeholders("$1"), [1]);
        assert_eq!(placeholders("a->>$1 ? $2 @> $3"), [1, 2, 3]);
        assert_eq!(placeholders("1-$1/$2*-$3"), [1, 2, 3]);
    }

    #[test]
    fn placeholders_in_quotes_and_comments_are_ignored() {
        for sql in [
            "select '$1'",
            "select 'it''s $1'",
            r"select E'it\'s $1'",
            r"select e'a\\' || '$1'",
            "select E'a'\n  '\\' $1'",
            "select E'a'\r'\\' $1'",
            "select E'a' -- it's\r\n -- '\n'\\' $1'",
            "select \"$1\", \"a\"\"$1\"",
            "select $$ $1 $$",
            "select $fn$ $$ $1 $$ $fn$",
            "select $été$ $1 $été$",
            "select 1 -- $1",
            "select 1 -- it's\n",
            "select 1 -- it's\r",
            "select /* $1 /* ' */ $2 */ 1",
            "select a$1",
            "select U&'\\0024 $1', B'1', X'f', N'$1'",
            "select '$1",
            "select $$ $1",
            "/* $1",
        ] {
            assert_eq!(placeholders(sql), [0_usize; 0], "{sql}");
        }
    }

    #[test]
    fn placeholders_after_quotes_and_comments_are_found() {
        assert_eq!(placeholders(r"select 'a\', $1"), [1], "a backslash is no escape in a plain string");
        assert_eq!(placeholders(r"select E'a\\', $1"), [1]);
        assert_eq!(placeholders("select E'a' 'b', $1"), [1]);
        assert_eq!(placeholders("select $$a$$, $1, $x$b$x$, $2"), [1, 2]);
        assert_eq!(placeholders("-- it's\nselect $1"), [1]);
        assert_eq!(placeholders("select 'a' -- it's\r || $1"), [1], "a carriage return ends a comment");
        assert_eq!(placeholders("select E'a' '\\', $1"), [1], "a string goes on after a line break only");
        assert_eq!(placeholders("select /* /* */ */ $1"), [1]);
        assert_eq!(placeholders("select 'é', é, $1"), [1]);
    }
}
