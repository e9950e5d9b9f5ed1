//! Arithmetic of a cost file: numbers, names, `+`, `-`, `*`, `/` and parentheses.

use std::collections::BTreeMap;

/// Reasons for which an expression has no value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum ExpressionError {
    #[error("`{0}` is no parameter and no quantity")]
    Unknown(String),
    #[error("`{0}` is not understood")]
    Malformed(String),
}

/// Returns the value of an expression.
pub(super) fn value(expression: &str, names: &BTreeMap<String, f64>) -> Result<f64, ExpressionError> {
    let mut parser = Parser { rest: expression, names };
    let value = parser.sum()?;
    if parser.peek().is_some() { Err(parser.malformed()) } else { Ok(value) }
}

struct Parser<'a> {
    rest: &'a str,
    names: &'a BTreeMap<String, f64>,
}

impl<'a> Parser<'a> {
    fn sum(&mut self) -> Result<f64, ExpressionError> {
        let mut value = self.product()?;
        loop {
            match self.peek() {
                Some('+') => value += self.skip().product()?,
                Some('-') => value -= self.skip().product()?,
                _ => return Ok(value),
            }
        }
    }

    fn product(&mut self) -> Result<f64, ExpressionError> {
        let mut value = self.operand()?;
        loop {
            match self.peek() {
                Some('*') => value *= self.skip().operand()?,
                Some('/') => value /= self.skip().operand()?,
                _ => return Ok(value),
            }
        }
    }

    fn operand(&mut self) -> Result<f64, ExpressionError> {
        if self.peek() == Some('(') {
            let value = self.skip().sum()?;
            if self.peek() != Some(')') {
                return Err(self.malformed());
            }
            self.skip();
            return Ok(value);
        }
        let word = self.word();
        match word.chars().next() {
            None => Err(self.malformed()),
            Some(first) if first.is_ascii_digit() => {
                word.parse().map_err(|_| ExpressionError::Malformed(word.to_owned()))
            }
            Some(_) => self.names.get(word).copied().ok_or_else(|| ExpressionError::Unknown(word.to_owned())),
        }
    }

    fn word(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn peek(&self) -> Option<char> {
        self.rest.trim_start().chars().next()
    }

    /// Passes the character that was peeked at.
    fn skip(&mut self) -> &mut Self {
        self.rest = self.rest.trim_start().get(1..).unwrap_or_default();
        self
    }

    fn malformed(&self) -> ExpressionError {
        ExpressionError::Malformed(self.rest.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_bind_as_usual_and_errors_name_the_place() {
        let names = BTreeMap::from([("users".to_owned(), 10.0), ("group_size".to_owned(), 8.0)]);
        for (expression, expected) in [
            ("1 + 2 * 3", 7.0),
            ("(1 + 2) * 3", 9.0),
            ("users * (group_size - 1) / 2 - 1.5", 33.5),
            ("10 - 2 - 3", 5.0),
        ] {
            assert_eq!(value(expression, &names), Ok(expected), "{expression}");
        }
        assert_eq!(value("members", &names), Err(ExpressionError::Unknown("members".to_owned())));
        for (expression, place) in [("1 +", ""), ("(1", ""), ("1 2", "2"), ("1.2.3", "1.2.3"), ("2 * $", "$")] {
            assert_eq!(value(expression, &names), Err(ExpressionError::Malformed(place.to_owned())), "{expression}");
        }
    }
}
