//! Resources that SAM makes from others, which a template may refer to by SAM's names for them.
//!
//! <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html>

use super::super::error::{Fault, Problem};
use super::super::resource::{Kind, Resource};
use super::super::scope::Scope;
use super::super::yaml::{Node, Value};
use super::websocket_api;

/// The logical ids that SAM makes from a resource.
pub(crate) fn ids(resource: &Resource) -> Vec<String> {
    let id = &resource.id;
    match resource.kind {
        Kind::Function => {
            let events = keys(resource.properties.get("Events")).map(|event| format!("{id}{event}"));
            let permissions = keys(resource.properties.get("Events")).map(|event| format!("{id}{event}Permission"));
            events.chain(permissions).chain([role_id(resource)]).collect()
        }
        Kind::HttpApi => vec![format!("{id}ApiGatewayDefaultStage")],
        Kind::WebSocketApi => {
            let routes = keys(resource.properties.get("Routes")).flat_map(|key| {
                ["Route", "Integration", "Permission"]
                    .map(|suffix| format!("{}{suffix}", websocket_api::generated_prefix(id, key)))
            });
            routes.chain([stage_id(resource), format!("{id}ConnectAuthorizer")]).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the value of `!Ref` to such a resource.
pub(crate) fn reference(scope: &Scope<'_>, name: &str, line: usize) -> Result<String, Fault> {
    let owner = scope.template.resources.iter().find(|resource| ids(resource).iter().any(|id| id == name));
    match owner {
        Some(api) if api.kind == Kind::HttpApi => Ok("$default".to_owned()),
        Some(api) if api.kind == Kind::WebSocketApi && name == stage_id(api) => websocket_api::stage(scope, api),
        // The id that API Gateway gives to a route is opaque; its logical id is as good and leads back to it.
        Some(api) if api.kind == Kind::WebSocketApi && name.ends_with("Route") => Ok(name.to_owned()),
        Some(owner) => {
            let sentence = format!("`{name}`, which SAM makes from `{}`, has no value locally", owner.id);
            Err(Fault::invalid(line, sentence))
        }
        None => Err(Fault::new(line, Problem::UnknownName(name.to_owned()))),
    }
}

/// Returns the value of `!GetAtt` of such a resource: the ARN of a function's role.
pub(crate) fn attribute(scope: &Scope<'_>, name: &str, attribute: &str, line: usize) -> Result<String, Fault> {
    let role = |function: &&Resource| function.kind == Kind::Function && role_id(function) == name;
    let Some(function) = scope.template.resources.iter().find(role) else {
        return reference(scope, name, line);
    };
    scope.require(function, line)?;
    match attribute {
        "Arn" => Ok(scope.role_arn(&scope.physical_name(name))),
        _ => Err(Fault::unknown_key(line, attribute, &format!("`GetAtt` of {name}"), ["Arn"])),
    }
}

/// The logical id of the role that SAM makes for a function.
fn role_id(function: &Resource) -> String {
    format!("{}Role", function.id)
}

fn stage_id(api: &Resource) -> String {
    match api.properties.get("StageName").map(|name| &name.value) {
        Some(Value::Scalar(stage)) if stage != websocket_api::DEFAULT_STAGE => {
            format!("{}{stage}Stage", api.id)
        }
        Some(Value::Call(..)) => format!("{}Stage", api.id),
        _ => format!("{}DefaultStage", api.id),
    }
}

fn keys(node: Option<&Node>) -> impl Iterator<Item = &str> {
    let entries = match node.map(|node| &node.value) {
        Some(Value::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    entries.iter().map(|entry| entry.key.as_str())
}
