//! `AWS::CloudFormation::CustomResource` and `Custom::*`: resources that a function creates.

use serde_json::{Map, Value as Json};

use super::super::error::Fault;
use super::super::model::CustomResource;
use super::super::names;
use super::super::resource::{Kind, Resource};
use super::super::scope::Scope;
use super::super::yaml::{Entry, Node, Value};

pub(super) const TYPE: &str = "AWS::CloudFormation::CustomResource";
/// Followed by the template author's own name.
pub(super) const PREFIX: &str = "Custom::";

const SERVICE_TOKEN: &str = "ServiceToken";

/// Reads all custom resources, each after those that it depends on.
pub(crate) fn read_all(scope: &Scope<'_>, resources: &[&Resource]) -> Result<Vec<CustomResource>, Fault> {
    let mut order = Order { scope, open: Vec::new(), done: Vec::new(), custom: Vec::new() };
    for resource in resources {
        order.visit(resource)?;
    }
    order.custom.into_iter().map(|resource| read(scope, resource)).collect()
}

fn read(scope: &Scope<'_>, resource: &Resource) -> Result<CustomResource, Fault> {
    let resolved = scope.deferring(|| scope.resolve(&resource.properties))?;
    let properties = resolved.as_ref().unwrap_or(&resource.properties);
    let token = properties.get(SERVICE_TOKEN);
    let token = token.ok_or_else(|| Fault::missing(resource.line, SERVICE_TOKEN, &resource.type_name))?;
    let function = scope.find(Kind::Function, "Arn", token.text()?, token.line)?;
    Ok(CustomResource {
        logical_id: resource.id.clone(),
        resource_type: resource.type_name.clone(),
        function: function.id.clone(),
        properties: json(properties)?,
    })
}

/// CloudFormation hands numbers and booleans to custom resources as text.
fn json(node: &Node) -> Result<Json, Fault> {
    match &node.value {
        Value::Scalar(text) => Ok(Json::String(text.clone())),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => {
            let members = entries.iter().map(|Entry { key, value, .. }| Ok((key.clone(), json(value)?)));
            members.collect::<Result<Map<_, _>, Fault>>().map(Json::Object)
        }
        Value::Null | Value::Call(..) => Err(node.expected("a value")),
    }
}

/// A depth-first walk along `DependsOn` and along what properties refer to, through resources of any type.
struct Order<'s, 'a> {
    scope: &'s Scope<'a>,
    open: Vec<&'a str>,
    done: Vec<&'a str>,
    custom: Vec<&'a Resource>,
}

impl<'a> Order<'_, 'a> {
    fn visit(&mut self, resource: &'a Resource) -> Result<(), Fault> {
        if self.done.contains(&resource.id.as_str()) || !self.scope.exists(resource)? {
            return Ok(());
        }
        if self.open.contains(&resource.id.as_str()) {
            // SAM splits functions and APIs into several resources, so a circle through them alone need not be one.
            if resource.kind != Kind::Custom {
                return Ok(());
            }
            return Err(Fault::invalid(resource.line, format!("`{}` depends on itself", resource.id)));
        }
        self.open.push(&resource.id);
        let mut names: Vec<_> = resource.depends_on.iter().map(|(name, _)| name.clone()).collect();
        names.extend(names::names(&resource.properties)?.into_iter().map(|(name, _)| name));
        for name in names {
            if let Some(needed) = self.scope.template.resource(&name) {
                self.visit(needed)?;
            }
        }
        self.open.pop();
        self.done.push(&resource.id);
        if resource.kind == Kind::Custom {
            self.custom.push(resource);
        }
        Ok(())
    }
}
