//! Kinds of statements that the driver treats differently from others.

use super::scan::{Kind, scan};

/// The kind of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// One that returns rows: `SELECT …`.
    Select,
    /// One that begins or ends a transaction, by its first word.
    Transaction(&'static str),
    /// `ROLLBACK TO SAVEPOINT …`.
    RollbackToSavepoint,
    /// `COPY … FROM STDIN` or `COPY … TO STDOUT`.
    CopyStream,
    Other,
}

const BEGINS_OR_ENDS: [&str; 6] = ["BEGIN", "START", "COMMIT", "END", "ABORT", "ROLLBACK"];
const STREAMS: [&str; 2] = ["STDIN", "STDOUT"];

impl Command {
    /// Returns the kind of the statement, by its words.
    pub(crate) fn of(sql: &str) -> Self {
        let mut code = scan(sql).filter(|(kind, text)| match kind {
            Kind::Comment => false,
            // Empty statements before the first are none.
            Kind::Code | Kind::Semicolon => !text.trim_matches([' ', ';', '\t', '\n', '\r', '\x0b', '\x0c']).is_empty(),
            Kind::Word | Kind::Quoted | Kind::Placeholder(_) => true,
        });
        let Some((Kind::Word, first)) = code.next() else { return Self::Other };
        let mut words = code.filter(|(kind, _)| *kind == Kind::Word).map(|(_, word)| word);
        let is = |word: &str| first.eq_ignore_ascii_case(word);
        if is("SELECT") {
            return Self::Select;
        }
        if is("COPY") {
            let streams = |word: &str| STREAMS.iter().any(|stream| word.eq_ignore_ascii_case(stream));
            return if words.any(streams) { Self::CopyStream } else { Self::Other };
        }
        if is("PREPARE") {
            let transaction = words.next().is_some_and(|word| word.eq_ignore_ascii_case("TRANSACTION"));
            return if transaction { Self::Transaction("PREPARE TRANSACTION") } else { Self::Other };
        }
        match BEGINS_OR_ENDS.into_iter().find(|word| is(word)) {
            Some("ROLLBACK") if words.any(|word| word.eq_ignore_ascii_case("TO")) => Self::RollbackToSavepoint,
            Some(word) => Self::Transaction(word),
            None => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Command::{self, CopyStream, Other, RollbackToSavepoint, Select, Transaction};

    #[test]
    fn statements_have_a_kind() {
        for (sql, command) in [
            ("select 1", Select),
            ("-- why\r/* x */ ;\tSELECT 1", Select),
            ("with a as (select 1) select 2", Other),
            ("selection", Other),
            ("'select'", Other),
            ("commit", Transaction("COMMIT")),
            ("Commit; ", Transaction("COMMIT")),
            ("end work", Transaction("END")),
            ("abort", Transaction("ABORT")),
            ("begin isolation level serializable", Transaction("BEGIN")),
            ("start transaction", Transaction("START")),
            ("rollback and chain", Transaction("ROLLBACK")),
            ("rollback work to savepoint a", RollbackToSavepoint),
            ("rollback to a", RollbackToSavepoint),
            ("prepare transaction 'a'", Transaction("PREPARE TRANSACTION")),
            ("prepare transactions as select 1", Other),
            ("savepoint a", Other),
            ("copy t from stdin", CopyStream),
            ("COPY (select 1) TO STDOUT with (format csv)", CopyStream),
            ("copy t to '/tmp/stdout'", Other),
            ("create function f() returns int begin atomic select 1; end", Other),
            ("", Other),
        ] {
            assert_eq!(Command::of(sql), command, "{sql}");
        }
    }
}
