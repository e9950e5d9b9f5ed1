//! `:name` in SQL text becomes PostgreSQL's `$n`.
//!
//! A colon is a parameter only where PostgreSQL's own lexer would see code: string literals (also `E''`, with their
//! backslashes), quoted identifiers, both kinds of comment, casts (`::type`) and `:=` stay as they are.
//!
//! Two things are as AWS is reported to have them. A name may begin with a digit, so that `a[1:2]` has the parameter `2`. And
//! dollar quotes hide nothing: `:name` inside of them is a parameter, which breaks the bodies of functions.

use std::collections::HashMap;

/// SQL as PostgreSQL takes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// With `$1`, `$2`, …
    pub(super) sql: String,
    /// The name behind each number, in order of first use. A name that is used twice is one parameter.
    pub(super) names: Vec<String>,
}

/// A query that is being numbered.
#[derive(Default)]
struct Numbered<'a> {
    sql: String,
    names: Vec<String>,
    numbers: HashMap<&'a str, usize>,
}

impl Query {
    /// Numbers the parameters of `sql`. Text that PostgreSQL will refuse (an open string, say) comes out unchanged.
    pub(super) fn number(sql: &str) -> Self {
        let mut query = Numbered { sql: String::with_capacity(sql.len()), ..Numbered::default() };
        let mut rest = sql;
        let mut before = None;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                ':' => {
                    rest = query.push_colons(rest);
                    before = query.sql.chars().next_back();
                    continue;
                }
                '\'' => quoted(rest, '\'', is_escape_prefix(&query.sql)),
                '"' => quoted(rest, '"', false),
                '$' if !before.is_some_and(is_identifier) => match dollar_quoted(rest) {
                    Some(length) => {
                        let (mut text, after) = rest.split_at(length);
                        while let Some(colon) = text.find(':') {
                            query.sql.push_str(&text[..colon]);
                            text = query.push_colons(&text[colon..]);
                        }
                        query.sql.push_str(text);
                        (rest, before) = (after, Some('$'));
                        continue;
                    }
                    None => 1,
                },
                '-' if rest.starts_with("--") => rest.find(['\n', '\r']).unwrap_or(rest.len()),
                '/' if rest.starts_with("/*") => block_comment(rest),
                other => other.len_utf8(),
            };
            let (token, after) = rest.split_at(length);
            query.sql.push_str(token);
            before = token.chars().next_back();
            rest = after;
        }
        Self { sql: query.sql, names: query.names }
    }
}

impl<'a> Numbered<'a> {
    /// Reads the colons with which `text` starts, and the name of a parameter behind the last one. Returns what comes after.
    fn push_colons(&mut self, text: &'a str) -> &'a str {
        let colons = text.len() - text.trim_start_matches(':').len();
        let name = parameter_name(&text[colons - 1..]);
        if colons.is_multiple_of(2) || name.is_empty() {
            self.sql.push_str(&text[..colons]);
            return &text[colons..];
        }
        self.sql.push_str(&text[..colons - 1]);
        let known = self.numbers.len();
        let number = *self.numbers.entry(name).or_insert(known + 1);
        if number > known {
            self.names.push(name.to_owned());
        }
        self.sql.push('$');
        self.sql.push_str(&number.to_string());
        &text[colons + name.len()..]
    }
}

/// The name after the colon with which `text` starts; empty where there is none.
fn parameter_name(text: &str) -> &str {
    let name = &text[1..];
    let end = name.find(|other: char| !other.is_ascii_alphanumeric() && other != '_');
    &name[..end.unwrap_or(name.len())]
}

/// Returns true if the text before a quote ends in a lone `E`, which enables backslash escapes.
fn is_escape_prefix(before: &str) -> bool {
    let mut backwards = before.chars().rev();
    matches!(backwards.next(), Some('e' | 'E')) && !backwards.next().is_some_and(is_identifier)
}

/// Length of the quoted text with which `text` starts. A doubled quote needs no care: it closes one and opens the next.
///
/// With backslashes on, a pair is skipped as a whole, as is a doubled quote, and so is the gap before the part of the string in
/// a later line: what follows is still the same literal, and the `E` before it would not be found again.
pub(super) fn quoted(text: &str, quote: char, backslashes: bool) -> usize {
    let mut characters = text.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        let skipped = match character {
            '\\' if backslashes => 1,
            _ if character != quote => 0,
            _ if !backslashes => return index + 1,
            _ => match resumption(&text[index + 1..]) {
                Some(skipped) => skipped,
                None => return index + 1,
            },
        };
        if skipped > 0 {
            characters.nth(skipped - 1);
        }
    }
    text.len()
}

/// Number of characters until an escape string that was closed before `text` goes on: at once after a doubled quote, or in a
/// later line.
fn resumption(text: &str) -> Option<usize> {
    if text.starts_with('\'') {
        return Some(1);
    }
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
        match rest.strip_prefix("--") {
            Some(comment) => rest = &comment[comment.find(['\n', '\r'])?..],
            None => break,
        }
    }
    let gap = &text[..text.len() - rest.len()];
    (rest.starts_with('\'') && gap.contains(['\n', '\r'])).then(|| gap.chars().count() + 1)
}

/// Length of the `$tag$…$tag$` with which `text` starts.
fn dollar_quoted(text: &str) -> Option<usize> {
    let tag_length = text[1..].find('$')? + 2;
    let tag = &text[..tag_length];
    let name = &tag[1..tag_length - 1];
    if name.starts_with(|first: char| first.is_ascii_digit()) || !name.chars().all(is_identifier) {
        return None;
    }
    let body = &text[tag_length..];
    Some(body.find(tag).map_or(text.len(), |end| tag_length + end + tag_length))
}

/// Length of the comment with which `text` starts; they nest.
pub(super) fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut index = 0;
    while index < text.len() {
        let rest = &text.as_bytes()[index..];
        if rest.starts_with(b"/*") {
            depth += 1;
            index += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            index += 2;
            if depth == 0 {
                return index;
            }
        } else {
            index += 1;
        }
    }
    text.len()
}

/// Returns true for characters that PostgreSQL allows inside an identifier (a dollar sign aside).
fn is_identifier(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || !character.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[track_caller]
    fn check(sql: &str, numbered: &str, names: &[&str]) {
        let query = Query::number(sql);
        assert_eq!(query.sql, numbered);
        assert_eq!(query.names, names);
    }

    #[test]
    fn names_are_numbered_in_order_of_first_use() {
        check("SELECT :b, :a_1, :b", "SELECT $1, $2, $1", &["b", "a_1"]);
        check("SELECT :a", "SELECT $1", &["a"]);
        check("SELECT(:a)+:b", "SELECT($1)+$2", &["a", "b"]);
    }

    #[test]
    fn casts_and_assignments_are_no_parameters() {
        check("SELECT :id::uuid, a::int[], b[1: 2]", "SELECT $1::uuid, a::int[], b[1: 2]", &["id"]);
        check("CALL f(x := :x)", "CALL f(x := $1)", &["x"]);
        check("SELECT : a", "SELECT : a", &[]);
    }

    #[test]
    fn quoted_text_is_left_alone() {
        check("SELECT ':a''b:c', :d", "SELECT ':a''b:c', $1", &["d"]);
        check(r"SELECT 'a\', :b", r"SELECT 'a\', $1", &["b"]);
        check(r"SELECT E'a\':b', e':c''\\', :d", r"SELECT E'a\':b', e':c''\\', $1", &["d"]);
        check("SELECT E'a' -- '\r '\\':b', :c", "SELECT E'a' -- '\r '\\':b', $1", &["c"]);
        check("SELECT E'a' '\\', :c", "SELECT E'a' '\\', $1", &["c"]);
        check(r"SELECT type'\', :d", r"SELECT type'\', $1", &["d"]);
        check(r#"SELECT ":a"":b", :c"#, r#"SELECT ":a"":b", $1"#, &["c"]);
        check("SELECT ':open", "SELECT ':open", &[]);
    }

    #[test]
    fn slices_have_parameters() {
        check("SELECT a[1:2], a[:i], a[i::int:j]", "SELECT a[1$1], a[$2], a[i::int$3]", &["2", "i", "j"]);
    }

    #[test]
    fn dollar_quotes_hide_no_parameters() {
        check("SELECT $$:a$$, $x$ :b $$ $x$, :c", "SELECT $$$1$$, $x$ $2 $$ $x$, $3", &["a", "b", "c"]);
        check("DO $$ it's a::int := 1; $$", "DO $$ it's a::int := 1; $$", &[]);
        check("SELECT a$b$, :c", "SELECT a$b$, $1", &["c"]);
        check("SELECT $1, :c, $2", "SELECT $1, $1, $2", &["c"]);
    }

    #[test]
    fn comments_are_left_alone() {
        check("SELECT 1 -- :a '\n, :b", "SELECT 1 -- :a '\n, $1", &["b"]);
        check("SELECT 1 -- :a '\r, :b", "SELECT 1 -- :a '\r, $1", &["b"]);
        check("SELECT /* :a /* ' */ :b */ :c", "SELECT /* :a /* ' */ :b */ $1", &["c"]);
        check("SELECT 1 - -:a / :b", "SELECT 1 - -$1 / $2", &["a", "b"]);
    }

    #[test]
    fn any_script_passes() {
        check("SELECT 'é:a', :b, 'ü'", "SELECT 'é:a', $1, 'ü'", &["b"]);
    }
}
