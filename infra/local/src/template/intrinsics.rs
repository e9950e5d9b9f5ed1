//! CloudFormation's intrinsic functions: which there are, and what each gives.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>

use super::conditions;
use super::deferred;
use super::error::Fault;
use super::scope::Scope;
use super::sub::{self, Part};
use super::yaml::{Entry, Node, Value};

/// An intrinsic function, whichever way it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Ref,
    GetAtt,
    Sub,
    Join,
    Select,
    Split,
    FindInMap,
    If,
    Equals,
    And,
    Or,
    Not,
    Condition,
    /// Known to CloudFormation, fine where a value has no meaning locally, an error where its value is needed.
    WithoutValue(&'static str),
}

const BY_NAME: [(&str, Function); 18] = [
    ("Ref", Function::Ref),
    ("GetAtt", Function::GetAtt),
    ("Sub", Function::Sub),
    ("Join", Function::Join),
    ("Select", Function::Select),
    ("Split", Function::Split),
    ("FindInMap", Function::FindInMap),
    ("If", Function::If),
    ("Equals", Function::Equals),
    ("And", Function::And),
    ("Or", Function::Or),
    ("Not", Function::Not),
    ("Condition", Function::Condition),
    ("Base64", Function::WithoutValue("Base64")),
    ("Cidr", Function::WithoutValue("Cidr")),
    ("GetAZs", Function::WithoutValue("GetAZs")),
    ("ImportValue", Function::WithoutValue("ImportValue")),
    ("Transform", Function::WithoutValue("Transform")),
];

impl Function {
    /// From a tag, without its exclamation mark: `Sub`.
    pub(super) fn from_tag(tag: &str, line: usize) -> Result<Self, Fault> {
        let known = BY_NAME.iter().find(|(name, _)| *name == tag);
        known.map(|(_, function)| *function).ok_or_else(|| {
            let names = supported_names();
            Fault::unknown_value(line, "the function", &format!("!{tag}"), names)
        })
    }

    /// From a key of the long form: `Fn::Sub`, `Ref`.
    pub(super) fn from_key(key: &str, line: usize) -> Result<Self, Fault> {
        let known = BY_NAME.iter().find(|(name, _)| match key.strip_prefix("Fn::") {
            Some(key) => *name == key && key != "Ref" && key != "Condition",
            None => *name == key,
        });
        known
            .map(|(_, function)| *function)
            .ok_or_else(|| Fault::unknown_value(line, "the function", key, supported_names()))
    }

    /// As the short form writes it, without the exclamation mark.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::WithoutValue(name) => name,
            _ => BY_NAME.iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name),
        }
    }
}

fn supported_names() -> impl Iterator<Item = &'static str> {
    BY_NAME.iter().filter(|(_, function)| !matches!(function, Function::WithoutValue(_))).map(|(name, _)| *name)
}

impl Scope<'_> {
    /// Decides the conditions at the head of a value: the branch that applies, or `None` for `AWS::NoValue`.
    pub(super) fn decide<'n>(&self, mut node: &'n Node) -> Result<Option<&'n Node>, Fault> {
        loop {
            node = match &node.value {
                Value::Call(Function::If, argument) => conditions::branch(self, argument)?,
                Value::Call(Function::Ref, name) if name.as_str() == Some("AWS::NoValue") => {
                    return Ok(None);
                }
                _ => return Ok(Some(node)),
            }
        }
    }

    /// The value of a node, without intrinsic functions; `None` for `AWS::NoValue`.
    pub(super) fn resolve(&self, node: &Node) -> Result<Option<Node>, Fault> {
        let Some(node) = self.decide(node)? else {
            return Ok(None);
        };
        let value = match &node.value {
            Value::Null | Value::Scalar(_) => node.value.clone(),
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
            Value::Call(function, argument) => return self.call(*function, argument).map(Some),
        };
        Ok(Some(Node { line: node.line, value }))
    }

    /// The value of a node that must be text.
    pub(super) fn text(&self, node: &Node) -> Result<String, Fault> {
        match self.resolve(node)? {
            Some(resolved) => Ok(resolved.text()?.to_owned()),
            None => Err(node.expected("text")),
        }
    }

    fn call(&self, function: Function, argument: &Node) -> Result<Node, Fault> {
        let line = argument.line;
        match function {
            Function::Ref => self.reference(argument.text()?, line),
            Function::GetAtt => {
                let (id, attribute) = self.attribute_path(argument)?;
                self.attribute(&id, &attribute, line).map(|text| Node::scalar(line, text))
            }
            Function::Sub => self.substitute(argument).map(|text| Node::scalar(line, text)),
            Function::Join => {
                let [delimiter, parts] = arguments(argument, "Join", "a delimiter and a list")?;
                let parts = self.texts(parts)?;
                Ok(Node::scalar(line, parts.join(delimiter.text()?)))
            }
            Function::Split => {
                let [delimiter, whole] = arguments(argument, "Split", "a delimiter and a text")?;
                let (delimiter, whole) = (delimiter.text()?, self.text(whole)?);
                if delimiter.is_empty() {
                    return Err(Fault::invalid(line, "`Split` needs a delimiter"));
                }
                if deferred::is_in(&whole) {
                    let sentence = "`Split` of what a custom resource returns is not supported: it is known later";
                    return Err(Fault::invalid(line, sentence));
                }
                let parts = whole.split(delimiter).map(|part| Node::scalar(line, part)).collect();
                Ok(Node { line, value: Value::List(parts) })
            }
            Function::Select => self.select(argument),
            Function::FindInMap => self.find_in_map(argument),
            Function::Equals | Function::And | Function::Or | Function::Not | Function::Condition => {
                let sentence = format!("`{}` decides a condition; it is not a value", function.name());
                Err(Fault::invalid(line, sentence))
            }
            // `decide` has picked its branch before a value is asked for.
            Function::If => Err(Fault::invalid(line, "`If` has no value here")),
            Function::WithoutValue(name) => {
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

/// The arguments of a function that takes a fixed number of them.
pub(super) fn arguments<'n, const N: usize>(
    argument: &'n Node,
    function: &str,
    expected: &str,
) -> Result<&'n [Node; N], Fault> {
    let list = argument.list().ok().and_then(|list| list.try_into().ok());
    list.ok_or_else(|| argument.expected(&format!("{expected} for `{function}`")))
}
