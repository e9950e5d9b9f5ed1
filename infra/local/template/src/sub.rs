//! The text of `Fn::Sub`: literals, `${Name}`, `${Resource.Attribute}` and `${!Literal}`.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html>

use super::error::Fault;
use super::yaml::{Entry, Node, Value};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Literal(&'a str),
    /// `${!name}`, which stands for `${name}`.
    Escaped(&'a str),
    Variable(&'a str),
}

/// The text and the variables of either form: a text, or a list of a text and a mapping.
pub(super) fn arguments(argument: &Node) -> Result<(&Node, &[Entry]), Fault> {
    match &argument.value {
        Value::Scalar(_) => Ok((argument, &[])),
        Value::List(items) => match items.as_slice() {
            [text, variables] => Ok((text, variables.map()?)),
            _ => Err(argument.expected("a text and a mapping for `Sub`")),
        },
        _ => Err(argument.expected("a text, or a list of a text and a mapping, for `Sub`")),
    }
}

/// Takes the text apart.
pub(super) fn parts(text: &Node) -> Result<Vec<Part<'_>>, Fault> {
    let mut rest = text.text()?;
    let mut parts = Vec::new();
    while let Some((literal, opened)) = rest.split_once("${") {
        let (name, after) =
            opened.split_once('}').ok_or_else(|| Fault::invalid(text.line, "`Sub` has a `${` without its `}`"))?;
        parts.push(Part::Literal(literal));
        parts.push(match name.strip_prefix('!') {
            Some(escaped) => Part::Escaped(escaped),
            None => Part::Variable(name),
        });
        rest = after;
    }
    parts.push(Part::Literal(rest));
    parts.retain(|part| *part != Part::Literal(""));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_variables_and_escapes_apart() {
        let text = Node::scalar(1, "a-${B.Arn}${!c}$d");
        let expected = [Part::Literal("a-"), Part::Variable("B.Arn"), Part::Escaped("c"), Part::Literal("$d")];
        assert_eq!(parts(&text).unwrap(), expected);
    }

    #[test]
    fn an_open_variable_is_a_fault() {
        let fault = parts(&Node::scalar(7, "a${b")).unwrap_err();
        assert_eq!((fault.line, fault.problem.to_string().as_str()), (7, "`Sub` has a `${` without its `}`"));
    }
}
