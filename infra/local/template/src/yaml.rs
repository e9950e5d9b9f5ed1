//! The YAML of a template as a tree whose nodes know their lines.
//!
//! Scalars stay text: CloudFormation converts between text, numbers and booleans as a property needs it, and hands them
//! to custom resources as text. Aliases and merge keys are refused, as CloudFormation does:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html>.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::error::{Fault, Problem};
use super::intrinsic::Intrinsic;

#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The first line, counted from 1.
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// An intrinsic function, short (`!Ref x`) or long (`Ref: x`), with its argument.
    Call(Intrinsic, Box<Node>),
}

/// One key of a mapping.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn scalar(line: usize, text: impl Into<String>) -> Self {
        Self { line, value: Value::Scalar(text.into()) }
    }

    /// The value of a key, where this is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// Returns true if a condition decides whether there is a value, or `AWS::NoValue` stands for none.
    pub(super) fn may_be_removed(&self) -> bool {
        match &self.value {
            Value::Call(Intrinsic::If, _) => true,
            Value::Call(Intrinsic::Ref, name) => name.as_str() == Some("AWS::NoValue"),
            _ => false,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Result<&str, Fault> {
        self.as_str().ok_or_else(|| self.expected("text"))
    }

    pub(super) fn list(&self) -> Result<&[Node], Fault> {
        match &self.value {
            Value::List(items) => Ok(items),
            _ => Err(self.expected("a list")),
        }
    }

    pub(super) fn map(&self) -> Result<&[Entry], Fault> {
        match &self.value {
            Value::Map(entries) => Ok(entries),
            _ => Err(self.expected("a mapping")),
        }
    }

    pub(super) fn boolean(&self) -> Result<bool, Fault> {
        match self.as_str() {
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(self.expected("`true` or `false`")),
        }
    }

    /// A fault that says what should have been here.
    pub(super) fn expected(&self, expected: &str) -> Fault {
        let found = match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Scalar(text) => format!("`{text}`"),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
            Value::Call(function, _) => format!("`{}`", function.name()),
        };
        Fault::new(self.line, Problem::Expected { expected: expected.to_owned(), found })
    }
}

/// The texts of a list value.
pub(super) fn list_of(line: usize, items: impl IntoIterator<Item = String>) -> Node {
    Node { line, value: Value::List(items.into_iter().map(|item| Node::scalar(line, item)).collect()) }
}

/// The arguments of a function that takes a fixed number of them.
pub(super) fn arguments<'n, const N: usize>(
    argument: &'n Node,
    function: &str,
    expected: &str,
) -> Result<&'n [Node; N], Fault> {
    let list = argument.list().ok().and_then(|list| list.try_into().ok());
    list.ok_or_else(|| argument.expected(&format!("{expected} for `{function}`")))
}

/// Reads the one document of a template.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (Event::StreamEnd, _) => return Err(Fault::invalid(1, "the template is empty")),
            (event, span) => {
                let root = reader.node(event, span)?;
                return match reader.after_document()? {
                    None => Ok(root),
                    Some(line) => Err(Fault::invalid(line, "a template is one YAML document; another begins here")),
                };
            }
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(syntax(&error)),
            // The parser ends with `StreamEnd`; no event is read after it.
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// The line of a second document, if there is one.
    fn after_document(&mut self) -> Result<Option<usize>, Fault> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(None),
                (Event::DocumentStart(_), span) => return Ok(Some(span.start.line())),
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Fault> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, _, tag) => tagged(scalar(text, style, line), tag.as_deref()),
            Event::SequenceStart(_, tag) => {
                let value = Value::List(self.items()?);
                tagged(Node { line, value }, tag.as_deref())
            }
            Event::MappingStart(_, tag) => {
                let entries = self.entries()?;
                match tag {
                    None => long_form(line, entries),
                    Some(tag) => tagged(Node { line, value: Value::Map(entries) }, Some(&tag)),
                }
            }
            Event::Alias(_) => Err(Fault::invalid(line, "CloudFormation does not support YAML aliases")),
            // The parser nests its events properly, so no other event begins a node.
            other => Err(Fault::new(line, Problem::Yaml(format!("unexpected {other:?}")))),
        }
    }

    fn items(&mut self) -> Result<Vec<Node>, Fault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn entries(&mut self) -> Result<Vec<Entry>, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(entries);
            }
            let line = span.start.line();
            let key = self.node(event, span)?.text()?.to_owned();
            if key == "<<" {
                return Err(Fault::invalid(line, "CloudFormation does not support YAML merge keys (`<<`)"));
            }
            if entries.iter().any(|entry| entry.key == key) {
                return Err(Fault::new(line, Problem::DuplicateKey(key)));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            entries.push(Entry { key, line, value });
        }
    }
}

fn syntax(error: &ScanError) -> Fault {
    Fault::new(error.marker().line(), Problem::Yaml(error.info().to_owned()))
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, line: usize) -> Node {
    let null = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
    Node { line, value: if null { Value::Null } else { Value::Scalar(text.into_owned()) } }
}

/// Applies a tag: `!Name` is an intrinsic function; YAML's own (`!!str`) change nothing, since scalars stay text.
fn tagged(node: Node, tag: Option<&Tag>) -> Result<Node, Fault> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() => {
            let function = Intrinsic::from_tag(&tag.suffix, node.line)?;
            Ok(Node { line: node.line, value: Value::Call(function, Box::new(node)) })
        }
        _ => Ok(node),
    }
}

/// A mapping, or the intrinsic function that it spells in full.
fn long_form(line: usize, mut entries: Vec<Entry>) -> Result<Node, Fault> {
    let is_call = |entry: &Entry| entry.key == "Ref" || entry.key.starts_with("Fn::");
    if let Some(call) = entries.iter().find(|entry| is_call(entry)) {
        let function = Intrinsic::from_key(&call.key, call.line)?;
        if entries.len() > 1 {
            return Err(Fault::invalid(call.line, format!("`{}` must be the only key of its mapping", call.key)));
        }
        if let Some(entry) = entries.pop() {
            return Ok(Node { line, value: Value::Call(function, Box::new(entry.value)) });
        }
    }
    Ok(Node { line, value: Value::Map(entries) })
}
