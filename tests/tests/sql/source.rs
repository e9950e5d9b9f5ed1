//! Finds SQL in Rust sources.
//!
//! It reads tokens, not syntax, so that SQL inside of a macro's brackets (`try_join!(query("…"))`) is found as well. A
//! statement is the argument of `query`, `query_as`, `query_scalar` and `raw_sql`, and a literal that `execute` and `fetch…`
//! are called with: a string literal, a `concat!` of them, or a constant that is one. Anything else is reported as a problem: a
//! statement that cannot be read here cannot be prepared either.

use std::collections::HashMap;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::LitStr;

/// Functions that take SQL first.
const QUERIES: [&str; 4] = ["query", "query_as", "query_scalar", "raw_sql"];
/// Methods that take SQL first, or something else that runs it.
const EXECUTORS: [&str; 8] =
    ["begin_with", "execute", "execute_many", "fetch", "fetch_all", "fetch_many", "fetch_one", "fetch_optional"];
/// Ways to SQL that is not known before the program runs, or that is hard to follow.
const OPAQUE: [&str; 7] = [
    "AssertSqlSafe",
    "DataApiQueryBuilder",
    "QueryBuilder",
    "SqlStr",
    "query_as_with",
    "query_scalar_with",
    "query_with",
];

pub(crate) struct Source {
    /// Its path, for reports.
    pub(crate) file: String,
    pub(crate) text: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// `file:line` of the call.
    pub(crate) location: String,
    pub(crate) sql: String,
}

/// All statements of all files, or all problems.
pub(crate) fn statements(sources: &[Source]) -> Result<Vec<Statement>, Vec<String>> {
    let files: Vec<(&Source, Vec<TokenTree>)> = sources
        .iter()
        .map(|source| {
            let tokens = source.text.parse::<TokenStream>().expect("what compiles has tokens");
            (source, tokens.into_iter().collect())
        })
        .collect();
    let mut constants = Constants::default();
    for (source, tokens) in &files {
        constants.read(&source.file, tokens);
    }
    let mut found = (Vec::new(), Vec::new());
    for (source, tokens) in &files {
        let strict = ["sqlx::", "sqlx_data_api::"].iter().any(|name| source.text.contains(name));
        Finder { file: &source.file, strict, constants: &constants, found: &mut found }.read(tokens);
    }
    if found.1.is_empty() { Ok(found.0) } else { Err(found.1) }
}

/// Text constants by name and file.
#[derive(Default)]
struct Constants(HashMap<String, Vec<(String, String)>>);

impl Constants {
    fn read(&mut self, file: &str, tokens: &[TokenTree]) {
        for (at, token) in tokens.iter().enumerate() {
            match (token, tokens.get(at + 1), tokens.get(at + 2)) {
                (TokenTree::Group(group), ..) => self.read(file, &inside(group)),
                (TokenTree::Ident(keyword), Some(TokenTree::Ident(name)), Some(TokenTree::Punct(colon)))
                    if (keyword == "const" || keyword == "static") && colon.as_char() == ':' =>
                {
                    let value = tokens[at..].split(|token| is_punct(token, ';')).next().unwrap_or_default();
                    let value = value.splitn(2, |token| is_punct(token, '=')).nth(1).unwrap_or_default();
                    if let Some(sql) = literal(value) {
                        self.0.entry(name.to_string()).or_default().push((file.to_owned(), sql));
                    }
                }
                _ => {}
            }
        }
    }

    /// The one in the same file, or the only one of that name.
    fn get(&self, file: &str, name: &Ident) -> Option<&str> {
        let known = self.0.get(&name.to_string())?;
        let here: Vec<&(String, String)> = known.iter().filter(|(home, _)| home == file).collect();
        match (&here[..], &known[..]) {
            ([(_, sql)], _) | ([], [(_, sql)]) => Some(sql),
            _ => None,
        }
    }
}

struct Finder<'a> {
    file: &'a str,
    /// True if the file imports sqlx, so that each of these names has to be understood.
    strict: bool,
    constants: &'a Constants,
    found: &'a mut (Vec<Statement>, Vec<String>),
}

impl Finder<'_> {
    fn read(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.read(&inside(group)),
                TokenTree::Ident(name)
                    if name == "use" && !tokens.get(at + 1).is_some_and(|next| is_punct(next, '<')) =>
                {
                    let import = tokens[at..].split(|token| is_punct(token, ';')).next().unwrap_or_default();
                    self.import(import);
                    at += import.len();
                }
                TokenTree::Ident(name) => self.name(name, at.checked_sub(1).map(|at| &tokens[at]), &tokens[at + 1..]),
                _ => {}
            }
            at += 1;
        }
    }

    /// An import under another name would hide what is called by it.
    fn import(&mut self, tokens: &[TokenTree]) {
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.import(&inside(group)),
                TokenTree::Ident(name) if is_one_of(name, &QUERIES) => {
                    if matches!(tokens.get(at + 1), Some(TokenTree::Ident(next)) if next == "as") {
                        self.problem(name, "is imported under another name");
                    }
                }
                _ => {}
            }
        }
    }

    fn name(&mut self, name: &Ident, before: Option<&TokenTree>, after: &[TokenTree]) {
        let method = before.is_some_and(|token| is_punct(token, '.'));
        if matches!(before, Some(TokenTree::Ident(keyword)) if keyword == "fn") {
            return;
        }
        if self.strict && is_one_of(name, &OPAQUE) {
            self.problem(name, "makes SQL that is not known before it runs: write statements as literals");
        } else if !method && is_one_of(name, &QUERIES) {
            match call(after).map(|argument| self.sql(&argument)) {
                Some(Some(sql)) => self.statement(name, sql),
                Some(None) => {
                    self.problem(name, "is called with something else than a literal, or a constant that is one");
                }
                None if self.strict => {
                    self.problem(name, "is not called here, so what it will be called with is not known");
                }
                None => {}
            }
        } else if method && is_one_of(name, &EXECUTORS) {
            // Most take an executor, which is no text.
            if let Some(sql) = call(after).and_then(|argument| self.sql(&argument)) {
                self.statement(name, sql);
            }
        }
    }

    /// The text of a literal or a constant.
    fn sql(&self, argument: &[TokenTree]) -> Option<String> {
        let is_path = argument.iter().all(|token| matches!(token, TokenTree::Ident(_)) || is_punct(token, ':'));
        match argument.last() {
            Some(TokenTree::Ident(name)) if is_path => self.constants.get(self.file, name).map(str::to_owned),
            _ => literal(argument),
        }
    }

    fn statement(&mut self, name: &Ident, sql: String) {
        self.found.0.push(Statement { location: self.location(name), sql });
    }

    fn problem(&mut self, name: &Ident, what: &str) {
        self.found.1.push(format!("{}: `{name}` {what}", self.location(name)));
    }

    fn location(&self, name: &Ident) -> String {
        format!("{}:{}", self.file, name.span().start().line)
    }
}

/// The first argument of the call that `tokens` begin with: `(…)`, or `::<…>(…)`.
fn call(tokens: &[TokenTree]) -> Option<Vec<TokenTree>> {
    let mut rest = tokens;
    if let [first, second, third, ..] = rest
        && is_punct(first, ':')
        && is_punct(second, ':')
        && is_punct(third, '<')
    {
        let mut depth = 0;
        let end = rest.iter().enumerate().position(|(at, token)| {
            // The `>` of `->` closes nothing.
            let arrow = at > 0 && is_punct(&rest[at - 1], '-');
            depth += i32::from(is_punct(token, '<')) - i32::from(is_punct(token, '>') && !arrow);
            at > 1 && depth == 0
        })?;
        rest = &rest[end + 1..];
    }
    match rest.first()? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
            let arguments = inside(group);
            Some(arguments.split(|token| is_punct(token, ',')).next().unwrap_or_default().to_vec())
        }
        _ => None,
    }
}

/// The text of a string literal or of a `concat!` of them.
fn literal(tokens: &[TokenTree]) -> Option<String> {
    match tokens {
        [TokenTree::Literal(_)] => {
            syn::parse2::<LitStr>(tokens.iter().cloned().collect()).ok().map(|text| text.value())
        }
        [TokenTree::Ident(name), bang, TokenTree::Group(group)] if name == "concat" && is_punct(bang, '!') => {
            let parts = inside(group);
            parts.split(|token| is_punct(token, ',')).filter(|part| !part.is_empty()).map(literal).collect()
        }
        _ => None,
    }
}

fn inside(group: &proc_macro2::Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn is_one_of(name: &Ident, names: &[&str]) -> bool {
    names.iter().any(|known| name == known)
}

#[cfg(test)]
mod tests {
    use super::{Source, statements};

    fn find(text: &str) -> Result<Vec<(String, String)>, Vec<String>> {
        let source = Source { file: "a.rs".to_owned(), text: format!("use sqlx_data_api::query;\n{text}") };
        let found = statements(&[source])?;
        Ok(found.into_iter().map(|statement| (statement.location, statement.sql)).collect())
    }

    #[test]
    fn sql_is_found_in_every_position() {
        for text in [
            r#"fn f() { query("S").bind(1); }"#,
            r##"fn f() { sqlx_data_api::query_as::<Vec<fn() -> u8>>(r#"S"#); }"##,
            r#"fn f() { join!(a, query_scalar::<i64>("S",)); }"#,
            r#"const SQL: &str = "S"; fn f() { query(SQL); }"#,
            r#"mod m { pub const SQL: &str = concat!("", "S"); } fn f() { query(m::SQL); }"#,
            r#"async fn f() { pool.execute("S").await; }"#,
        ] {
            assert_eq!(find(text).unwrap(), [("a.rs:2".to_owned(), "S".to_owned())], "{text}");
        }
    }

    #[test]
    fn unreadable_sql_is_reported_as_a_problem() {
        for text in [
            r#"fn f() { query(format!("S")); }"#,
            r#"mod a { const SQL: &str = "S"; } mod b { const SQL: &str = "T"; } fn f() { query(b::SQL); }"#,
            "fn f(sql: &'static str) { query(sql); }",
            r#"fn f() { query(if true { "S" } else { "T" }); }"#,
            "use sqlx_data_api::query as q;",
            "fn f() { let q = query; }",
            r#"fn f() { query(AssertSqlSafe("S")); }"#,
            r#"fn f() { DataApiQueryBuilder::new("S"); }"#,
        ] {
            let problems = find(text).unwrap_err();
            assert!(problems[0].starts_with("a.rs:2: "), "{text}: {problems:?}");
        }
    }

    #[test]
    fn unrelated_items_of_the_same_names_are_ignored() {
        assert_eq!(find(r#"fn query() {} fn f() { client.query("S"); insert.execute(&pool); }"#).unwrap(), []);
        let source = Source { file: "a.rs".to_owned(), text: "fn f() { let query = 1; g(query); }".to_owned() };
        assert_eq!(statements(&[source]).unwrap(), []);
    }
}
