//! `$1` becomes `CAST(:p1 AS <type>)`.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::command::Command;
use super::scan::{Kind, scan};
use crate::DataApiTypeInfo;

/// A statement with its placeholders found, ready to be written out for arguments of any types.
///
/// The Data API looks for `:name` in the text, where a name may also begin with a digit. So a lone colon that touches one (the
/// slice of an array, a comment) gets a space behind it, which SQL ignores. The service looks into dollar quotes, too: one with
/// such a colon is written as the same string in single quotes. Other literals are never touched.
#[derive(Debug)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
    parameters: usize,
    mentioned: HashSet<usize>,
    command: Command,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Parameter {
        number: usize,
        /// `CAST(…)[1]` is not PostgreSQL's grammar, `(CAST(…))[1]` is. The same goes for `.field`.
        subscripted: bool,
    },
}

impl Template {
    pub(crate) fn new(sql: &str) -> Self {
        let mut pieces = Vec::new();
        let mut text = String::with_capacity(sql.len());
        let mut mentioned = HashSet::new();
        let mut tokens = scan(sql).peekable();
        while let Some((kind, token)) = tokens.next() {
            match kind {
                Kind::Placeholder(number) => {
                    let next = tokens.peek().map_or("", |(_, next)| next).trim_start();
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                    pieces.push(Piece::Parameter { number, subscripted: next.starts_with(['[', '.']) });
                    mentioned.insert(number);
                }
                Kind::Code => {
                    text.push_str(token);
                    if ends_in_lone_colon(token) && tokens.peek().is_some_and(|next| touches(*next)) {
                        text.push(' ');
                    }
                }
                Kind::Comment => push_with_loose_colons(&mut text, token),
                Kind::Quoted => match dollar_quoted(token).filter(|body| has_loose_name(body)) {
                    // The space keeps it from what stands before it: `U&$$…$$` is an operator, `U&'…'` is not.
                    Some(body) => text.extend([" '", &body.replace('\'', "''"), "'"]),
                    None => text.push_str(token),
                },
                Kind::Word | Kind::Semicolon => text.push_str(token),
            }
        }
        pieces.push(Piece::Text(text));
        let parameters = mentioned.iter().copied().max().unwrap_or_default();
        Self { pieces, parameters, mentioned, command: Command::of(sql) }
    }

    /// The kind of the statement.
    pub(crate) fn command(&self) -> Command {
        self.command
    }

    /// The highest `$n` in the statement.
    pub(crate) fn parameters(&self) -> usize {
        self.parameters
    }

    /// Returns true if the statement contains `$number`.
    pub(crate) fn mentions(&self, number: usize) -> bool {
        self.mentioned.contains(&number)
    }

    /// Returns the statement with each `$n` cast to `types[n - 1]`; a placeholder without a type there stays unchanged.
    pub(crate) fn render<'t>(&self, types: impl Fn(usize) -> Option<&'t DataApiTypeInfo>) -> String {
        let mut sql = String::new();
        for piece in &self.pieces {
            let written = match piece {
                Piece::Text(text) => sql.write_str(text),
                Piece::Parameter { number, subscripted } => match types(*number) {
                    None => write!(sql, "${number}"),
                    Some(ty) if *subscripted => write!(sql, "(CAST(:p{number} AS {ty}))"),
                    Some(ty) => write!(sql, "CAST(:p{number} AS {ty})"),
                },
            };
            debug_assert!(written.is_ok(), "writing to a String does not fail");
        }
        sql
    }
}

/// Pairs of colons are casts.
fn ends_in_lone_colon(code: &str) -> bool {
    (code.len() - code.trim_end_matches(':').len()) % 2 == 1
}

/// Returns true for a piece that the service would take for the name of a parameter behind a colon.
fn touches((kind, token): (Kind, &str)) -> bool {
    match kind {
        Kind::Word | Kind::Placeholder(_) => true,
        Kind::Code => token.starts_with(|first: char| first.is_ascii_digit()),
        // `E'…'`.
        Kind::Quoted => token.starts_with(['e', 'E']),
        Kind::Comment | Kind::Semicolon => false,
    }
}

/// Returns what stands between the delimiters of a dollar-quoted string.
fn dollar_quoted(token: &str) -> Option<&str> {
    let tag = token.strip_prefix('$')?.find('$')? + 2;
    token.get(tag..token.len().checked_sub(tag)?).filter(|_| token.ends_with(&token[..tag]))
}

fn has_loose_name(text: &str) -> bool {
    text.match_indices(':').any(|(at, _)| {
        let begins_name = text[at + 1..].starts_with(|next: char| next.is_alphanumeric() || next == '_');
        begins_name && ends_in_lone_colon(&text[..=at])
    })
}

fn push_with_loose_colons(text: &mut String, comment: &str) {
    for (at, character) in comment.char_indices() {
        text.push(character);
        let next = comment[at + character.len_utf8()..].chars().next();
        if character == ':' && next.is_some_and(|next| next.is_alphanumeric() || next == '_') {
            text.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(sql: &str) -> String {
        Template::new(sql).render(|number| {
            [DataApiTypeInfo::INT8, DataApiTypeInfo::TEXT].get(number - 1).cloned().map(|ty| &*Box::leak(Box::new(ty)))
        })
    }

    #[test]
    fn placeholder_is_cast_to_the_type_of_its_argument() {
        assert_eq!(
            translated("select $1::uuid, coalesce(a, $2) from t where id=$1"),
            "select CAST(:p1 AS int8)::uuid, coalesce(a, CAST(:p2 AS text)) from t where id=CAST(:p1 AS int8)"
        );
        assert_eq!(translated("select $1 [1], $2.a"), "select (CAST(:p1 AS int8)) [1], (CAST(:p2 AS text)).a");
    }

    #[test]
    fn other_colons_are_not_parsed_as_parameters() {
        assert_eq!(
            translated("select a[i:j], b[1:2], c::int, f(x := 1)"),
            "select a[i: j], b[1: 2], c::int, f(x := 1)"
        );
        assert_eq!(translated("select a[:2], a[1:], a[b::int:2]"), "select a[: 2], a[1:], a[b::int: 2]");
        assert_eq!(translated("select a[1:$1]"), "select a[1: CAST(:p1 AS int8)]");
        assert_eq!(translated("select 1 -- see:this"), "select 1 -- see: this");
        assert_eq!(
            translated("select /* a::b */ 'a:b', \"a:b\", $$a: b::c$$"),
            "select /* a:: b */ 'a:b', \"a:b\", $$a: b::c$$"
        );
    }

    #[test]
    fn dollar_quotes_with_names_become_plain_strings() {
        assert_eq!(translated("do $$ begin x:=a[i:j]; end $$"), "do  ' begin x:=a[i:j]; end '");
        assert_eq!(translated("select $a$it's \\ $$ :b $1$a$, $1"), "select  'it''s \\ $$ :b $1', CAST(:p1 AS int8)");
        assert_eq!(translated("select u&$$:b$$"), "select u& ':b'");
        assert_eq!(translated("select $$ :b"), "select $$ :b", "an open one is PostgreSQL's to refuse");
    }

    #[test]
    fn placeholder_without_argument_is_unchanged() {
        assert_eq!(translated("select $3"), "select $3");
        assert_eq!(Template::new("select $3, $1").parameters(), 3);
        assert!(!Template::new("select $3, $1").mentions(2));
    }
}
