//! The names in a template: parameters, pseudo parameters, conditions, mappings and resources.

mod conditions;
mod evaluate;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::addresses::Addresses;
use super::deferred;
use super::document::Template;
use super::error::{Fault, Problem};
use super::resource::{Kind, Resource};
use super::yaml::Node;

/// The values of names that lead to resources, by resource type.
pub(super) trait ResourceTypes {
    /// Returns the value of `!Ref` to a resource.
    fn reference(&self, scope: &Scope<'_>, resource: &Resource, line: usize) -> Result<String, Fault>;

    /// Returns the value of `!GetAtt` of a resource.
    fn attribute(&self, scope: &Scope<'_>, resource: &Resource, attribute: &str, line: usize) -> Result<String, Fault>;

    /// Returns the value of `!Ref` to a resource that SAM generates.
    fn generated_reference(&self, scope: &Scope<'_>, name: &str, line: usize) -> Result<String, Fault>;

    /// Returns the value of `!GetAtt` of a resource that SAM generates.
    fn generated_attribute(&self, scope: &Scope<'_>, name: &str, attribute: &str, line: usize)
    -> Result<String, Fault>;
}

/// A template together with the values of its parameters and the addresses of the services.
pub(super) struct Scope<'a> {
    types: &'a dyn ResourceTypes,
    pub(super) template: &'a Template,
    pub(super) addresses: &'a Addresses,
    parameters: BTreeMap<String, Node>,
    /// Names whose value is being worked out: one that turns up again depends on itself.
    visiting: RefCell<Vec<String>>,
    /// True if values of custom resources may be deferred.
    may_defer: Cell<bool>,
}

/// Pseudo parameters that have a value. `AWS::NoValue` removes the property that it is given to.
pub(super) const PSEUDO_PARAMETERS: [&str; 7] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

pub(super) const URL_SUFFIX: &str = "amazonaws.com";

impl<'a> Scope<'a> {
    pub(super) fn new(
        types: &'a dyn ResourceTypes,
        template: &'a Template,
        addresses: &'a Addresses,
        parameters: BTreeMap<String, Node>,
    ) -> Self {
        Self { types, template, addresses, parameters, visiting: RefCell::default(), may_defer: Cell::default() }
    }

    /// The physical name of a resource that the template does not name.
    pub(super) fn physical_name(&self, logical_id: &str) -> String {
        format!("{}-{logical_id}", self.addresses.stack)
    }

    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        let Addresses { region, account, .. } = self.addresses;
        format!("arn:aws:{service}:{region}:{account}:{resource}")
    }

    /// Returns the ARN of a role. IAM has no regions.
    pub(super) fn role_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.addresses.account)
    }

    pub(super) fn mapping(&self, name: &str) -> Option<&'a Node> {
        self.template.mappings.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
    }

    /// Returns true if the resource's own condition lets it exist.
    pub(super) fn exists(&self, resource: &Resource) -> Result<bool, Fault> {
        match &resource.condition {
            Some((name, line)) => self.condition(name, *line),
            None => Ok(true),
        }
    }

    /// Returns the value of `!Ref name`.
    pub(super) fn reference(&self, name: &str, line: usize) -> Result<Node, Fault> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        let text = match name.strip_prefix("AWS::") {
            Some(pseudo) => self.pseudo_parameter(pseudo, line)?,
            None => match self.template.resource(name) {
                Some(resource) => {
                    self.require(resource, line)?;
                    self.once(name, line, || self.types.reference(self, resource, line))?
                }
                None => self.types.generated_reference(self, name, line)?,
            },
        };
        Ok(Node::scalar(line, text))
    }

    /// Returns the value of `!GetAtt name.attribute`.
    pub(super) fn attribute(&self, name: &str, attribute: &str, line: usize) -> Result<String, Fault> {
        let Some(resource) = self.template.resource(name) else {
            return self.types.generated_attribute(self, name, attribute, line);
        };
        self.require(resource, line)?;
        self.once(name, line, || self.types.attribute(self, resource, attribute, line))
    }

    /// The resource of one kind whose attribute has a value: how an ARN or a name leads back to its logical id.
    pub(super) fn find(&self, kind: Kind, attribute: &str, value: &str, line: usize) -> Result<&'a Resource, Fault> {
        for resource in self.template.resources.iter().filter(|resource| resource.kind == kind) {
            if self.exists(resource)? && self.types.attribute(self, resource, attribute, line)? == value {
                return Ok(resource);
            }
        }
        Err(Fault::new(line, Problem::UnknownName(value.to_owned())))
    }

    /// Works out a value for a place that can wait for custom resources.
    pub(super) fn deferring<T>(&self, value: impl FnOnce() -> T) -> T {
        let before = self.may_defer.replace(true);
        let value = value();
        self.may_defer.set(before);
        value
    }

    /// Returns the mark for an answer of a custom resource, in a place where it can be filled in later.
    pub(super) fn deferred(&self, resource: &Resource, attribute: Option<&str>, line: usize) -> Result<String, Fault> {
        if self.may_defer.get() {
            return Ok(deferred::mark(&resource.id, attribute));
        }
        let sentence = "the values that a custom resource returns are known only after it ran: locally they can be used in a \
                        function's `Environment` and in other custom resources only";
        Err(Fault::invalid(line, sentence))
    }

    fn pseudo_parameter(&self, name: &str, line: usize) -> Result<String, Fault> {
        let Addresses { region, account, stack, .. } = self.addresses;
        match name {
            "AccountId" => Ok(account.clone()),
            "Partition" => Ok("aws".to_owned()),
            "Region" => Ok(region.clone()),
            "StackId" => Ok(self.addresses.stack_id()),
            "StackName" => Ok(stack.clone()),
            "URLSuffix" => Ok(URL_SUFFIX.to_owned()),
            "NoValue" => Err(Fault::invalid(line, "`AWS::NoValue` removes a property; it is not a text")),
            _ => Err(Fault::unknown_value(line, "the name", &format!("AWS::{name}"), PSEUDO_PARAMETERS)),
        }
    }

    pub(super) fn require(&self, resource: &Resource, line: usize) -> Result<(), Fault> {
        if self.exists(resource)? {
            return Ok(());
        }
        let sentence = format!("`{}` does not exist here: its condition is false", resource.id);
        Err(Fault::invalid(line, sentence))
    }

    /// Works out what a name stands for, unless that is going on already.
    fn once<T>(&self, name: &str, line: usize, value: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        if self.visiting.borrow().iter().any(|visiting| visiting == name) {
            return Err(Fault::invalid(line, format!("`{name}` depends on itself")));
        }
        self.visiting.borrow_mut().push(name.to_owned());
        let value = value();
        self.visiting.borrow_mut().pop();
        value
    }
}
