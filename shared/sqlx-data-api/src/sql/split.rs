//! Cuts a script into statements, as the Data API runs one statement a request.

use super::scan::{Kind, scan};

/// Returns the statements of `script`, without their semicolons and without empty ones.
///
/// A semicolon inside brackets (`CREATE RULE … DO (…; …)`) or inside the `BEGIN ATOMIC … END` body of a function or
/// procedure ends no statement.
pub(crate) fn split(script: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let mut statement = Statement::default();
    let (mut start, mut at) = (0, 0);
    for (kind, text) in scan(script) {
        if kind == Kind::Semicolon && statement.may_end() {
            if statement.says_something {
                statements.push(script[start..at].trim());
            }
            statement = Statement::default();
            start = at + text.len();
        } else {
            statement.read(kind, text);
        }
        at += text.len();
    }
    if statement.says_something {
        statements.push(script[start..].trim());
    }
    statements
}

/// The state of the statement that is being read.
#[derive(Default)]
struct Statement {
    says_something: bool,
    brackets: usize,
    /// Open `BEGIN ATOMIC` and `CASE`, both of which an `END` closes.
    blocks: usize,
    after_begin: bool,
    /// True behind `AS` and behind a dot, where a keyword may be a name.
    after_label: bool,
}

impl Statement {
    fn may_end(&self) -> bool {
        self.brackets == 0 && self.blocks == 0
    }

    fn read(&mut self, kind: Kind, text: &str) {
        match kind {
            Kind::Comment => return,
            Kind::Code => {
                self.brackets += text.matches('(').count();
                self.brackets = self.brackets.saturating_sub(text.matches(')').count());
                if text.trim().is_empty() {
                    return;
                }
                self.after_begin = false;
                self.after_label = text.trim_end().ends_with('.');
                self.says_something = true;
                return;
            }
            Kind::Word => {
                let is = |word: &str| text.eq_ignore_ascii_case(word);
                if self.after_label {
                    // A label of a column or a part of a name, whatever the word.
                } else if self.after_begin && is("atomic") || self.blocks > 0 && is("case") {
                    self.blocks += 1;
                } else if self.blocks > 0 && is("end") {
                    self.blocks -= 1;
                }
                self.after_begin = is("begin");
                self.after_label = is("as");
                self.says_something = true;
                return;
            }
            Kind::Quoted | Kind::Placeholder(_) | Kind::Semicolon => {}
        }
        self.after_begin = false;
        self.after_label = false;
        self.says_something = true;
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn statements_end_at_semicolons() {
        assert_eq!(
            split("create table a (b int);\n\ninsert into a values (1) ;"),
            ["create table a (b int)", "insert into a values (1)"]
        );
        assert_eq!(split("select 1"), ["select 1"]);
    }

    #[test]
    fn empty_scripts_have_no_statements() {
        assert_eq!(split(" ;; -- only; this\n/* and; this */ ;"), [""; 0]);
        assert_eq!(split(""), [""; 0]);
    }

    #[test]
    fn comments_stay_with_their_statement() {
        assert_eq!(split("-- why; because\nselect 1; -- done;"), ["-- why; because\nselect 1"]);
    }

    #[test]
    fn semicolons_inside_quotes_are_ignored() {
        let function = "create function f() returns int language plpgsql as $$ begin return 1; end; $$";
        assert_eq!(
            split(&format!("{function};\nselect ';', E'\\';', \";\"")),
            [function, "select ';', E'\\';', \";\""]
        );
        let nested = "do $outer$ begin execute $$ select 1; $$; end $outer$";
        assert_eq!(split(nested), [nested]);
    }

    #[test]
    fn semicolons_inside_brackets_and_atomic_bodies_are_ignored() {
        let rule = "create rule r as on insert to a do (insert into b values (1); insert into c values (2))";
        let function =
            "create function f(x int) returns int begin atomic select case x when 1 then 2 end; select x; end";
        assert_eq!(split(&format!("{rule}; {function}; select 1;")), [rule, function, "select 1"]);
        let labels =
            "create function g() returns int begin atomic select 1 as end; select t.end, 2 as case from t; end";
        assert_eq!(split(&format!("{labels}; select 1")), [labels, "select 1"]);
        assert_eq!(split("begin; select 1; end;"), ["begin", "select 1", "end"]);
    }

    #[test]
    fn carriage_returns_end_comments() {
        let script = "create table cr (x int); -- it's; one\rinsert into cr values (1);\rinsert into cr values (2); -- that's; it\r";
        assert_eq!(
            split(script),
            ["create table cr (x int)", "-- it's; one\rinsert into cr values (1)", "insert into cr values (2)"]
        );
    }
}
