//! Statements that the service cannot run, or that would end a transaction behind its back.

use super::errors::DataApiError;

/// Longest statement, in characters.
const MAX_SQL_CHARS: usize = 65_536;

/// Refuses a statement before PostgreSQL gets it. None of this ends a transaction.
pub(super) fn check(sql: &str, in_transaction: bool) -> Result<(), DataApiError> {
    if sql.chars().count() > MAX_SQL_CHARS {
        return Err(DataApiError::Validation(format!(
            "1 validation error detected: Value at 'sql' failed to satisfy constraint: Member must have length less than or \
             equal to {MAX_SQL_CHARS}"
        )));
    }
    if sql.contains('\0') {
        return Err(refused("invalid byte sequence for encoding \"UTF8\": 0x00", "22021"));
    }
    let words = words(sql);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words {
        ["COPY", ..] if words.iter().any(|word| matches!(*word, "STDIN" | "STDOUT")) => {
            Err(refused("COPY from STDIN and to STDOUT needs a protocol that the Data API does not have", "0A000"))
        }
        ["ROLLBACK", "TO", ..] | ["ROLLBACK", "WORK" | "TRANSACTION", "TO", ..] => Ok(()),
        ["BEGIN" | "START", ..] if in_transaction => {
            Err(refused("there is already a transaction in progress: BeginTransaction began it", "25001"))
        }
        ["COMMIT" | "END" | "ROLLBACK" | "ABORT", ..] | ["PREPARE", "TRANSACTION", ..] if in_transaction => {
            Err(refused("invalid transaction termination: use CommitTransaction or RollbackTransaction", "2D000"))
        }
        _ => Ok(()),
    }
}

fn refused(message: &str, state: &str) -> DataApiError {
    DataApiError::Database(format!("ERROR: {message}; SQLState: {state}"))
}

/// The first words of the statement, all of them for `COPY`, in capitals. Comments and what is not a word are left out.
fn words(sql: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        if words.len() == 3 && words[0] != "COPY" {
            break;
        }
        let length = match first {
            '-' if rest.starts_with("--") => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => super::parameters::block_comment(rest),
            '\'' | '"' => super::parameters::quoted(rest, first, false),
            first if first.is_ascii_alphabetic() => {
                let end = rest.find(|next: char| !next.is_ascii_alphanumeric() && next != '_');
                words.push(rest[..end.unwrap_or(rest.len())].to_ascii_uppercase());
                end.unwrap_or(rest.len())
            }
            ';' | ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' => 1,
            // No statement that is looked for begins with anything else.
            _ if words.is_empty() => break,
            other => other.len_utf8(),
        };
        rest = &rest[length..];
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{check, words};

    #[test]
    fn words_are_found_behind_comments() {
        assert_eq!(words("-- a\r/* b /* */ */ ;\ncommit and chain"), ["COMMIT", "AND", "CHAIN"]);
        assert_eq!(words("copy \"from stdin\" to '/a stdin'"), ["COPY", "TO"]);
        assert_eq!(words("(select 1)"), [""; 0]);
    }

    #[test]
    fn savepoints_are_allowed_in_a_transaction() {
        for sql in
            ["SAVEPOINT a", "ROLLBACK TO a", "rollback work to savepoint a", "RELEASE a", "SET TRANSACTION READ ONLY"]
        {
            assert!(check(sql, true).is_ok(), "{sql}");
        }
        for sql in ["COMMIT", "end", "ROLLBACK", "abort work", "BEGIN", "start transaction", "PREPARE TRANSACTION 'a'"]
        {
            assert!(check(sql, true).is_err(), "{sql}");
            assert!(check(sql, false).is_ok(), "{sql}");
        }
    }
}
