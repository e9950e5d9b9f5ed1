//! Typed access to the resolved values of a mapping.

use std::ops::RangeInclusive;
use std::str::FromStr;

use super::error::Fault;
use super::resource::Resource;
use super::scope::Scope;
use super::shape::Shape;
use super::yaml::{Entry, Node};

/// A mapping of a known shape in a scope.
pub(super) struct Fields<'a> {
    scope: &'a Scope<'a>,
    node: &'a Node,
    place: &'static str,
}

impl<'a> Fields<'a> {
    /// Opens a mapping; `None` where a condition removed it.
    pub(super) fn open(scope: &'a Scope<'a>, node: &'a Node, shape: &'static Shape) -> Result<Option<Self>, Fault> {
        let Some(node) = scope.decide(node)? else {
            return Ok(None);
        };
        shape.check_present(node, |value| Ok(scope.decide(value)?.is_some()))?;
        Ok(Some(Self { scope, node, place: shape.place }))
    }

    /// The line of a key, or of the mapping where it lacks the key.
    pub(super) fn line(&self, key: &str) -> usize {
        self.node.get(key).map_or(self.node.line, |node| node.line)
    }

    /// The value of a key, conditions decided, anything else as the template has it.
    pub(super) fn node(&self, key: &str) -> Result<Option<&'a Node>, Fault> {
        match self.node.get(key) {
            Some(node) => self.scope.decide(node),
            None => Ok(None),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Fault> {
        self.node(key)?.map(|node| self.scope.text(node)).transpose()
    }

    /// The text of a key that the place cannot do without.
    pub(super) fn required(&self, key: &str) -> Result<String, Fault> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    pub(super) fn missing(&self, key: &str) -> Fault {
        Fault::missing(self.node.line, key, self.place)
    }

    /// A text that is one of a fixed set.
    pub(super) fn one_of(&self, key: &str, supported: &[&str]) -> Result<Option<String>, Fault> {
        let text = self.text(key)?;
        match text {
            Some(text) if !supported.contains(&text.as_str()) => {
                let what = format!("`{key}`");
                Err(Fault::unknown_value(self.line(key), &what, &text, supported.iter().copied()))
            }
            text => Ok(text),
        }
    }

    /// A whole number within AWS's limits for it.
    pub(super) fn number<T>(&self, key: &str, limits: RangeInclusive<T>) -> Result<Option<T>, Fault>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        match text.parse::<T>() {
            Ok(number) if limits.contains(&number) => Ok(Some(number)),
            _ => {
                let expected = format!("a whole number from {} to {} for `{key}`", limits.start(), limits.end());
                Err(Node::scalar(self.line(key), text).expected(&expected))
            }
        }
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, Fault> {
        let Some(node) = self.node(key)? else {
            return Ok(None);
        };
        match self.scope.resolve(node)? {
            Some(resolved) => resolved.boolean().map(Some),
            None => Ok(None),
        }
    }

    /// A list of texts; a single text stands for a list of one, as in CloudFormation.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Fault> {
        let Some(node) = self.node(key)? else {
            return Ok(Vec::new());
        };
        match self.scope.resolve(node)? {
            Some(resolved) => match resolved.as_str() {
                Some(text) => Ok(vec![text.to_owned()]),
                None => resolved.list()?.iter().map(|item| item.text().map(str::to_owned)).collect(),
            },
            None => Ok(Vec::new()),
        }
    }

    /// A mapping of a known shape.
    pub(super) fn object(&self, key: &str, shape: &'static Shape) -> Result<Option<Fields<'a>>, Fault> {
        match self.node(key)? {
            Some(node) => Fields::open(self.scope, node, shape),
            None => Ok(None),
        }
    }

    /// A list of mappings of a known shape.
    pub(super) fn objects(&self, key: &str, shape: &'static Shape) -> Result<Vec<Fields<'a>>, Fault> {
        let Some(node) = self.node(key)? else {
            return Ok(Vec::new());
        };
        node.list()?.iter().filter_map(|item| Fields::open(self.scope, item, shape).transpose()).collect()
    }

    /// A mapping whose keys are the template's own, to mappings of a known shape: key, line and value.
    pub(super) fn objects_by_key(
        &self,
        key: &str,
        shape: &'static Shape,
    ) -> Result<Vec<(&'a str, usize, Fields<'a>)>, Fault> {
        let entries = self.entries(key)?.into_iter();
        let opened = entries.map(|(entry, node)| Ok((entry, Fields::open(self.scope, node, shape)?)));
        opened
            .filter_map(|pair| pair.map(|(entry, fields)| Some((entry.key.as_str(), entry.line, fields?))).transpose())
            .collect()
    }

    /// The entries of a mapping whose keys are the template's own, conditions decided.
    pub(super) fn entries(&self, key: &str) -> Result<Vec<(&'a Entry, &'a Node)>, Fault> {
        let Some(node) = self.node(key)? else {
            return Ok(Vec::new());
        };
        let decided = node.map()?.iter().map(|entry| Ok((entry, self.scope.decide(&entry.value)?)));
        decided.filter_map(|pair| pair.map(|(entry, node)| node.map(|node| (entry, node))).transpose()).collect()
    }
}

impl Resource {
    /// The properties with typed access.
    pub(super) fn fields<'a>(&'a self, scope: &'a Scope<'a>, shape: &'static Shape) -> Result<Fields<'a>, Fault> {
        let fields = Fields::open(scope, &self.properties, shape)?;
        fields.ok_or_else(|| self.properties.expected("a mapping"))
    }

    /// The physical name: the property's value, or one made from stack and logical id.
    pub(super) fn name(&self, scope: &Scope<'_>, property: &str) -> Result<String, Fault> {
        let given = self.properties.get(property).map(|node| scope.decide(node)).transpose()?.flatten();
        match given {
            Some(node) => scope.text(node),
            None => Ok(scope.physical_name(&self.id)),
        }
    }
}
