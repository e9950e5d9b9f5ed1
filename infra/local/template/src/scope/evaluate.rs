//! Evaluation of CloudFormation's intrinsic functions.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>

use super::super::deferred;
use super::super::error::Fault;
use super::super::intrinsic::Intrinsic;
use super::super::sub::{self, Part};
use super::super::yaml::{Entry, Node, Value, arguments};
use super::{Scope, conditions};

impl Scope<'_> {
    /// Decides the conditions at the head of a value: the branch that applies, or `None` for `AWS::NoValue`.
    pub(crate) fn decide<'n>(&self, mut node: &'n Node) -> Result<Option<&'n Node>, Fault> {
        loop {
            node = match &node.value {
                Value::Call(Intrinsic::If, argument) => conditions::branch(self, argument)?,
                Value::Call(Intrinsic::Ref, name) if name.as_str() == Some("AWS::NoValue") => {
                    return Ok(None);
                }
                _ => return Ok(Some(node)),
            }
        }
    }

    /// The value of a node, without intrinsic functions; `None` for `AWS::NoValue`.
    pub(crate) fn resolve(&self, node: &Node) -> Result<Option<Node>, Fault> {
        let Some(node) = self.decide(node)? else {
            return Ok(None);
        };
        let value = match &node.value {
            Value::Null => Value::Null,
            Value::Scalar(text) => Value::Scalar(self.template.references.substitute(text, node.line)?),
            Value::List(items) => {
                let items = items.iter().filter_map(|item| self.resolve(item).transpose());
                Value::List(items.collect::<Result<_, _>>()?)
            }
            Value::Map(entries) => {
                let mut resolved = Vec::with_capacity(entries.len());
                for Entry { key, line, value } in entries {
                    if let Some(value) = self.resolve(value)? {
                        resolved.push(Entry { key: key.clone(), line: *line, value });
                    }
                }
                Value::Map(resolved)
            }
            // What a function gives may hold dynamic references, also one that it has put together.
            Value::Call(function, argument) => return self.resolve(&self.call(*function, argument)?),
        };
        Ok(Some(Node { line: node.line, value }))
    }

    /// The value of a node that must be text.
    pub(crate) fn text(&self, node: &Node) -> Result<String, Fault> {
        match self.resolve(node)? {
            Some(resolved) => Ok(resolved.text()?.to_owned()),
            None => Err(node.expected("text")),
        }
    }

    fn call(&self, function: Intrinsic, argument: &Node) -> Result<Node, Fault> {
        let line = argument.line;
        match function {
            Intrinsic::Ref => self.reference(argument.text()?, line),
            Intrinsic::GetAtt => {
                let (id, attribute) = self.attribute_path(argument)?;
                self.attribute(&id, &attribute, line).map(|text| Node::scalar(line, text))
            }
            Intrinsic::Sub => self.substitute(argument).map(|text| Node::scalar(line, text)),
            Intrinsic::Join => {
                let [delimiter, parts] = arguments(argument, "Join", "a delimiter and a list")?;
                let parts = self.texts(parts)?;
                Ok(Node::scalar(line, parts.join(delimiter.text()?)))
            }
            Intrinsic::Split => {
                let [delimiter, whole] = arguments(argument, "Split", "a delimiter and a text")?;
                let (delimiter, whole) = (delimiter.text()?, self.text(whole)?);
                if delimiter.is_empty() {
                    return Err(Fault::invalid(line, "`Split` needs a delimiter"));
                }
                if deferred::is_in(&whole) {
                    let sentence =
                        "`Split` of a value that a custom resource returns is not supported: it is known only later";
                    return Err(Fault::invalid(line, sentence));
                }
                let parts = whole.split(delimiter).map(|part| Node::scalar(line, part)).collect();
                Ok(Node { line, value: Value::List(parts) })
            }
            Intrinsic::Select => self.select(argument),
            Intrinsic::FindInMap => self.find_in_map(argument),
            Intrinsic::Equals | Intrinsic::And | Intrinsic::Or | Intrinsic::Not | Intrinsic::Condition => {
                let sentence = format!("`{}` decides a condition; it is not a value", function.name());
                Err(Fault::invalid(line, sentence))
            }
            // `decide` has picked its branch before a value is asked for.
            Intrinsic::If => Err(Fault::invalid(line, "`If` has no value here")),
            Intrinsic::WithoutValue(name) => {
                let sentence = format!("`{name}` is not supported where the local cloud needs its value");
                Err(Fault::invalid(line, sentence))
            }
        }
    }

    fn texts(&self, node: &Node) -> Result<Vec<String>, Fault> {
        match self.resolve(node)? {
            Some(list) => list.list()?.iter().map(|item| item.text().map(str::to_owned)).collect(),
            None => Ok(Vec::new()),
        }
    }

    /// `GetAtt`'s argument: `Id.Attribute` or `[Id, Attribute]`, where the attribute may be computed.
    fn attribute_path(&self, argument: &Node) -> Result<(String, String), Fault> {
        let path = match &argument.value {
            Value::Scalar(path) => path.split_once('.').map(|(id, attribute)| (id.to_owned(), attribute.to_owned())),
            Value::List(parts) => match parts.as_slice() {
                [id, attribute] => Some((id.text()?.to_owned(), self.text(attribute)?)),
                _ => None,
            },
            _ => None,
        };
        path.ok_or_else(|| argument.expected("a resource and its attribute, for example `Queue.Arn`"))
    }

    fn substitute(&self, argument: &Node) -> Result<String, Fault> {
        let (text, variables) = sub::arguments(argument)?;
        let mut result = String::with_capacity(text.text()?.len());
        for part in sub::parts(text)? {
            match part {
                Part::Literal(literal) => result.push_str(literal),
                Part::Escaped(name) => {
                    result.push_str("${");
                    result.push_str(name);
                    result.push('}');
                }
                Part::Variable(name) => {
                    let given = variables.iter().find(|entry| entry.key == name);
                    result.push_str(&match (given, name.split_once('.')) {
                        (Some(variable), _) => self.text(&variable.value)?,
                        (None, Some((id, attribute))) => self.attribute(id, attribute, text.line)?,
                        (None, None) => self.reference(name, text.line)?.text()?.to_owned(),
                    });
                }
            }
        }
        Ok(result)
    }

    fn select(&self, argument: &Node) -> Result<Node, Fault> {
        let [index, list] = arguments(argument, "Select", "an index and a list")?;
        let list = self.texts(list)?;
        let text = self.text(index)?;
        let chosen = text.parse::<usize>().ok().and_then(|index| list.get(index));
        chosen.map(|text| Node::scalar(argument.line, text)).ok_or_else(|| {
            let sentence = format!("`Select` finds no item {text} in a list of {}", list.len());
            Fault::invalid(index.line, sentence)
        })
    }

    fn find_in_map(&self, argument: &Node) -> Result<Node, Fault> {
        let [map, top, second] = arguments(argument, "FindInMap", "a mapping and two keys")?;
        let (map, top, second) = (self.text(map)?, self.text(top)?, self.text(second)?);
        let found = self.mapping(&map).and_then(|map| map.get(&top)).and_then(|top| top.get(&second));
        found.cloned().ok_or_else(|| {
            let sentence = format!("`Mappings` has no `{map}` with `{top}` and `{second}`");
            Fault::invalid(argument.line, sentence)
        })
    }
}
