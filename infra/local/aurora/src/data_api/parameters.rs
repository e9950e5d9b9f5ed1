//! `:name` in SQL text becomes PostgreSQL's `$n`.
//!
//! A colon is a parameter only where PostgreSQL's own lexer would see code: string literals (also `E''`, with their
//! backslashes), dollar quotes, quoted identifiers, both kinds of comment, casts (`::type`) and `:=` stay as they are.

/// SQL as PostgreSQL takes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// With `$1`, `$2`, …
    pub(super) sql: String,
    /// The name behind each number, in order of first use. A name that is used twice is one parameter.
    pub(super) names: Vec<String>,
}

impl Query {
    /// Numbers the parameters of `sql`. Text that PostgreSQL will refuse (an open string, say) comes out unchanged.
    pub(super) fn number(sql: &str) -> Self {
        let mut query = Self { sql: String::with_capacity(sql.len()), names: Vec::new() };
        let mut rest = sql;
        let mut before = None;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                ':' => {
                    let name = parameter_name(rest);
                    if !name.is_empty() {
                        query.push_parameter(name);
                        rest = &rest[1 + name.len()..];
                        before = Some('$');
                        continue;
                    }
                    if rest.starts_with("::") { 2 } else { 1 }
                }
                '\'' => quoted(rest, '\'', is_escape_prefix(&query.sql)),
                '"' => quoted(rest, '"', false),
                '$' if !before.is_some_and(is_identifier) => dollar_quoted(rest).unwrap_or(1),
                '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
                '/' if rest.starts_with("/*") => block_comment(rest),
                other => other.len_utf8(),
            };
            let (token, after) = rest.split_at(length);
            query.sql.push_str(token);
            before = token.chars().next_back();
            rest = after;
        }
        query
    }

    fn push_parameter(&mut self, name: &str) {
        let index = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        self.sql.push('$');
        self.sql.push_str(&(index + 1).to_string());
    }
}

/// The name after the colon with which `text` starts; empty where there is none.
fn parameter_name(text: &str) -> &str {
    let name = &text[1..];
    if !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        return "";
    }
    let end = name.find(|other: char| !other.is_ascii_alphanumeric() && other != '_');
    &name[..end.unwrap_or(name.len())]
}

/// Returns true if the text before a quote ends in a lone `E`, which enables backslash escapes.
fn is_escape_prefix(before: &str) -> bool {
    let mut backwards = before.chars().rev();
    matches!(backwards.next(), Some('e' | 'E')) && !backwards.next().is_some_and(is_identifier)
}

/// Length of the quoted text with which `text` starts. A doubled quote needs no care: it closes one and opens the next.
fn quoted(text: &str, quote: char, backslashes: bool) -> usize {
    let mut characters = text.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        if character == quote && !(backslashes && text[index + 1..].starts_with(quote)) {
            return index + 1;
        }
        // With backslashes on, the pair is skipped as a whole, as is a doubled quote: what follows is still the same
        // literal, and the `E` before it would not be found again.
        if backslashes && (character == '\\' || character == quote) {
            characters.next();
        }
    }
    text.len()
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
fn block_comment(text: &str) -> usize {
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
    fn casts_assignments_and_slices_are_no_parameters() {
        check("SELECT :id::uuid, a::int[], b[1:2]", "SELECT $1::uuid, a::int[], b[1:2]", &["id"]);
        check("CALL f(x := :x)", "CALL f(x := $1)", &["x"]);
        check("SELECT : a", "SELECT : a", &[]);
    }

    #[test]
    fn quoted_text_is_left_alone() {
        check("SELECT ':a''b:c', :d", "SELECT ':a''b:c', $1", &["d"]);
        check(r"SELECT 'a\', :b", r"SELECT 'a\', $1", &["b"]);
        check(r"SELECT E'a\':b', e':c''\\', :d", r"SELECT E'a\':b', e':c''\\', $1", &["d"]);
        check(r"SELECT type'\', :d", r"SELECT type'\', $1", &["d"]);
        check(r#"SELECT ":a"":b", :c"#, r#"SELECT ":a"":b", $1"#, &["c"]);
        check("SELECT ':open", "SELECT ':open", &[]);
    }

    #[test]
    fn dollar_quotes_are_left_alone() {
        check("SELECT $$:a$$, $x$ :b $$ $x$, :c", "SELECT $$:a$$, $x$ :b $$ $x$, $1", &["c"]);
        check("SELECT a$b$, :c", "SELECT a$b$, $1", &["c"]);
        check("SELECT $1, :c, $2", "SELECT $1, $1, $2", &["c"]);
    }

    #[test]
    fn comments_are_left_alone() {
        check("SELECT 1 -- :a '\n, :b", "SELECT 1 -- :a '\n, $1", &["b"]);
        check("SELECT /* :a /* ' */ :b */ :c", "SELECT /* :a /* ' */ :b */ $1", &["c"]);
        check("SELECT 1 - -:a / :b", "SELECT 1 - -$1 / $2", &["a", "b"]);
    }

    #[test]
    fn any_script_passes() {
        check("SELECT 'é:a', :b, 'ü'", "SELECT 'é:a', $1, 'ü'", &["b"]);
    }
}
