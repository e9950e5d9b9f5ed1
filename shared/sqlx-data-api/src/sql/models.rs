//! Compares the scanner and the splitter with models that share no code with them, on many unusual texts.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::scan::{Kind, scan};
use super::{Template, split};
use crate::DataApiTypeInfo;

/// The token that a character is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    Quoted,
    Comment,
}

/// Returns the state of each character, by a machine that reads one character at a time. It does not parse numbers.
fn states(text: &[char]) -> Vec<State> {
    let mut states = Vec::new();
    while let Some(&first) = text.get(states.len()) {
        let at = states.len();
        let (state, end) = match (first, text.get(at + 1)) {
            ('"' | '\'', _) => (State::Quoted, closing(text, at + 1, &[first])),
            ('e' | 'E', Some('\'')) => (State::Quoted, closing_escape_string(text, at + 2)),
            ('-', Some('-')) => (State::Comment, line_end(text, at)),
            ('/', Some('*')) => (State::Comment, closing_comment(text, at)),
            ('$', _) => match tag(text, at) {
                Some(tag) => (State::Quoted, closing(text, at + tag.len(), &tag)),
                None => (State::Code, at + 1),
            },
            _ if is_name(first) => {
                (State::Code, (at..text.len()).find(|&at| !is_name(text[at]) && text[at] != '$').unwrap_or(text.len()))
            }
            _ => (State::Code, at + 1),
        };
        states.resize(end.min(text.len()), state);
    }
    states
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
}

fn closing(text: &[char], from: usize, delimiter: &[char]) -> usize {
    (from..text.len()).find(|&at| text[at..].starts_with(delimiter)).map_or(text.len(), |at| at + delimiter.len())
}

fn line_end(text: &[char], from: usize) -> usize {
    (from..text.len()).find(|&at| matches!(text[at], '\n' | '\r')).unwrap_or(text.len())
}

fn closing_escape_string(text: &[char], from: usize) -> usize {
    let mut at = from;
    while at < text.len() {
        match text[at] {
            '\\' => at += 2,
            '\'' if text.get(at + 1) == Some(&'\'') => at += 2,
            '\'' => match continued(text, at + 1) {
                Some(next) => at = next,
                None => return at + 1,
            },
            _ => at += 1,
        }
    }
    text.len()
}

/// Returns where a string goes on that was closed before `from`: behind a quote in a later line.
fn continued(text: &[char], from: usize) -> Option<usize> {
    let (mut at, mut lines) = (from, 0);
    while at < text.len() {
        match text[at] {
            '\n' | '\r' => lines += 1,
            ' ' => {}
            '-' if text.get(at + 1) == Some(&'-') => {
                at = line_end(text, at);
                continue;
            }
            '\'' if lines > 0 => return Some(at + 1),
            _ => return None,
        }
        at += 1;
    }
    None
}

fn closing_comment(text: &[char], from: usize) -> usize {
    let (mut depth, mut at) = (0, from);
    while at + 1 < text.len() {
        match (text[at], text[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Parses a tag: `$$` or `$tag$`.
fn tag(text: &[char], at: usize) -> Option<Vec<char>> {
    let end = (at + 1..text.len()).find(|&at| !is_name(text[at]))?;
    (text[end] == '$').then(|| text[at..=end].to_vec())
}

fn random_text(random: &mut StdRng) -> String {
    const CHARACTERS: [char; 20] =
        ['\'', '\'', '\'', '"', '$', '$', 'a', 'E', '\\', '-', '-', '/', '*', ';', ':', '(', ' ', 'é', '\n', '\r'];
    (0..random.random_range(0..24)).map(|_| CHARACTERS[random.random_range(0..CHARACTERS.len())]).collect()
}

#[test]
fn scanner_agrees_with_a_character_by_character_model() {
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..50_000 {
        let text = random_text(&mut random);
        let seen = scan(&text).flat_map(|(kind, piece)| {
            let state = match kind {
                Kind::Quoted => State::Quoted,
                Kind::Comment => State::Comment,
                Kind::Word | Kind::Code | Kind::Placeholder(_) | Kind::Semicolon => State::Code,
            };
            piece.chars().map(move |_| state)
        });
        let characters: Vec<char> = text.chars().collect();
        assert_eq!(seen.collect::<Vec<_>>(), states(&characters), "{text:?}");
    }
}

/// A piece of SQL of which is known what it becomes.
struct Piece {
    written: String,
    translated: String,
    is_statement: bool,
    ends: bool,
}

fn random_piece(random: &mut StdRng) -> Piece {
    const SAME: [&str; 23] = [
        "select",
        "é$1",
        "1.5e3",
        "::uuid",
        "->>",
        "?|",
        "@>",
        "'$1; :a'",
        "'it''s $2'",
        r"'\'",
        // The casts keep them from going on behind a comment.
        r"E'\'; $1'::text",
        "e''::text",
        "U&'$1'",
        "\"$1;\"\"\"",
        "$$ $1; ' $$",
        "$a$ $$;$1 $a$",
        "(a; $b$;$b$)",
        "begin",
        "end",
        "[1: 2]",
        "x :=",
        "$été$;$été$",
        "E'a' -- ;'\r'\\' $1;'::text",
    ];
    const COMMENTS: [&str; 5] = ["-- $1; it's\n", "-- $1; it's\r", "/* $1; ' */", "/* /* $1 */ ; */", "--\n"];
    let same = |text: &str, is_statement| Piece {
        written: text.to_owned(),
        translated: text.to_owned(),
        is_statement,
        ends: false,
    };
    match random.random_range(0..10) {
        0 | 1 => {
            let number = random.random_range(1..=12);
            let cast = format!("CAST(:p{number} AS text)");
            Piece { written: format!("${number}"), translated: cast, is_statement: true, ends: false }
        }
        2 => same(COMMENTS[random.random_range(0..COMMENTS.len())], false),
        3 => Piece { ends: true, ..same(";", false) },
        _ => same(SAME[random.random_range(0..SAME.len())], true),
    }
}

#[test]
fn only_placeholders_are_translated() {
    let text = DataApiTypeInfo::TEXT;
    let mut random = StdRng::seed_from_u64(2);
    for _ in 0..20_000 {
        let pieces: Vec<Piece> = (0..random.random_range(0..12)).map(|_| random_piece(&mut random)).collect();
        let written: Vec<&str> = pieces.iter().map(|piece| &*piece.written).collect();
        let translated: Vec<&str> = pieces.iter().map(|piece| &*piece.translated).collect();
        let template = Template::new(&written.join(" "));
        // A subscript needs brackets around the cast, which has a test of its own.
        let expected = translated.join(" ").replace("AS text) [", "AS text)) [");
        let rendered = template.render(|_| Some(&text)).replace("(CAST(", "CAST(");
        assert_eq!(rendered, expected, "{written:?}");
    }
}

#[test]
fn scripts_are_split_only_between_statements() {
    let mut random = StdRng::seed_from_u64(3);
    for _ in 0..20_000 {
        let pieces: Vec<Piece> = (0..random.random_range(0..16)).map(|_| random_piece(&mut random)).collect();
        let script: Vec<&str> = pieces.iter().map(|piece| &*piece.written).collect();
        let expected: Vec<String> = pieces
            .split(|piece| piece.ends)
            .filter(|statement| statement.iter().any(|piece| piece.is_statement))
            .map(|statement| {
                statement.iter().map(|piece| &*piece.written).collect::<Vec<_>>().join(" ").trim().to_owned()
            })
            .collect();
        assert_eq!(split(&script.join(" ")), expected, "{script:?}");
    }
}
