//! The `Resources` section: which types there are, what `Ref` and `GetAtt` give, and how each becomes its model.
//!
//! One file per service. Each has a [`Shape`] per resource type: what is supported, and what has no meaning locally.

pub(super) mod api_gateway_v2;
pub(super) mod bucket;
mod bucket_notification;
mod capacity;
pub(super) mod cluster;
pub(super) mod collection;
mod cors;
pub(super) mod custom_resource;
pub(super) mod function;
pub(super) mod function_events;
mod function_policies;
mod function_shape;
pub(super) mod generated;
pub(super) mod http_api;
mod http_authorizers;
mod policy_templates;
pub(super) mod queue;
mod route_settings;
pub(super) mod schedule_group;
pub(super) mod search_policies;
pub(super) mod secret;
pub(super) mod table;
pub(super) mod user_pool;
pub(super) mod websocket_api;
mod without_meaning;

use super::error::Fault;
use super::resource::{Kind, Resource};
use super::scope::{ResourceTypes, Scope};
use super::shape::Shape;
use super::yaml::{Entry, Node, Value};

const KINDS: [(&str, Kind); 22] = [
    (function_shape::TYPE, Kind::Function),
    (http_api::TYPE, Kind::HttpApi),
    (websocket_api::TYPE, Kind::WebSocketApi),
    (api_gateway_v2::ROUTE_TYPE, Kind::Route),
    (api_gateway_v2::INTEGRATION_TYPE, Kind::Integration),
    (api_gateway_v2::AUTHORIZER_TYPE, Kind::Authorizer),
    (api_gateway_v2::STAGE_TYPE, Kind::Stage),
    (api_gateway_v2::DEPLOYMENT_TYPE, Kind::Deployment),
    (websocket_api::ROUTE_RESPONSE_TYPE, Kind::RouteResponse),
    (table::TYPE, Kind::Table),
    (bucket::TYPE, Kind::Bucket),
    (queue::TYPE, Kind::Queue),
    (cluster::TYPE, Kind::Cluster),
    (secret::TYPE, Kind::Secret),
    (user_pool::TYPE, Kind::UserPool),
    (user_pool::CLIENT_TYPE, Kind::UserPoolClient),
    (schedule_group::TYPE, Kind::ScheduleGroup),
    (schedule_group::ROLE_TYPE, Kind::Role),
    (collection::TYPE, Kind::Collection),
    (search_policies::SECURITY_TYPE, Kind::SecurityPolicy),
    (search_policies::ACCESS_TYPE, Kind::AccessPolicy),
    (custom_resource::TYPE, Kind::Custom),
];

impl Kind {
    fn of(type_name: &str, line: usize, properties: Option<&Node>) -> Result<Self, Fault> {
        if type_name.starts_with(custom_resource::PREFIX) {
            return Ok(Self::Custom);
        }
        if type_name == api_gateway_v2::API_TYPE {
            return api_gateway_v2::kind(properties, line);
        }
        if let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == type_name) {
            return Ok(*kind);
        }
        if without_meaning::is_known(type_name) {
            return Ok(Self::WithoutMeaning);
        }
        let supported = KINDS
            .iter()
            .map(|(name, _)| *name)
            .chain([api_gateway_v2::API_TYPE, "Custom::*"])
            .chain(without_meaning::types());
        Err(Fault::unknown_value(line, "the resource type", type_name, supported))
    }

    /// The properties of the type; `None` where any will do.
    pub(super) fn shape(self) -> Option<&'static Shape> {
        match self {
            Self::Function => Some(&function_shape::SHAPE),
            Self::HttpApi => Some(&http_api::SHAPE),
            Self::WebSocketApi => Some(&websocket_api::SHAPE),
            Self::PlainHttpApi => Some(&api_gateway_v2::http::API),
            Self::PlainWebSocketApi => Some(&api_gateway_v2::websocket::API),
            Self::Route => Some(&api_gateway_v2::ROUTE),
            Self::Integration => Some(&api_gateway_v2::INTEGRATION),
            Self::Authorizer => Some(&api_gateway_v2::AUTHORIZER),
            Self::Stage => Some(&api_gateway_v2::STAGE),
            Self::Deployment => Some(&api_gateway_v2::DEPLOYMENT),
            Self::RouteResponse => Some(&websocket_api::ROUTE_RESPONSE),
            Self::Table => Some(&table::SHAPE),
            Self::Bucket => Some(&bucket::SHAPE),
            Self::Queue => Some(&queue::SHAPE),
            Self::Cluster => Some(&cluster::SHAPE),
            Self::Secret => Some(&secret::SHAPE),
            Self::UserPool => Some(&user_pool::SHAPE),
            Self::UserPoolClient => Some(&user_pool::CLIENT),
            Self::ScheduleGroup => Some(&schedule_group::SHAPE),
            Self::Collection => Some(&collection::SHAPE),
            Self::SecurityPolicy => Some(&search_policies::SECURITY),
            Self::AccessPolicy => Some(&search_policies::ACCESS),
            Self::Role | Self::Custom | Self::WithoutMeaning | Self::Unsupported => None,
        }
    }
}

/// Attributes of a resource beside its properties.
const ATTRIBUTES: Shape = Shape {
    place: "a resource",
    supported: &["Type", "Properties", "Condition", "DependsOn", "Metadata"],
    ignored: &[(
        &["DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy", "CreationPolicy"],
        "stacks are neither updated nor deleted locally",
    )],
};

impl Resource {
    /// Reads one entry of `Resources`.
    pub(super) fn read(entry: &Entry, globals: Option<&Node>) -> Result<Self, Fault> {
        ATTRIBUTES.check(&entry.value)?;
        let type_node = entry.value.get("Type");
        let type_node = type_node.ok_or_else(|| Fault::missing(entry.line, "Type", "a resource"))?;
        let type_name = type_node.text()?.to_owned();
        let kind = match Kind::of(&type_name, type_node.line, entry.value.get("Properties")) {
            Err(_) if entry.value.get("Condition").is_some() => Kind::Unsupported,
            kind => kind?,
        };
        let empty = Node { line: entry.line, value: Value::Map(Vec::new()) };
        let own = entry.value.get("Properties").cloned().unwrap_or(empty);
        let properties = super::globals::merged(globals, &type_name, own);
        if let Some(shape) = kind.shape() {
            shape.check_undecided(&properties)?;
        }
        let condition = match entry.value.get("Condition") {
            Some(node) => Some((node.text()?.to_owned(), node.line)),
            None => None,
        };
        let depends_on = match entry.value.get("DependsOn") {
            Some(Node { line, value: Value::Scalar(id) }) => vec![(id.clone(), *line)],
            Some(node) => {
                let ids = node.list()?.iter().map(|id| Ok((id.text()?.to_owned(), id.line)));
                ids.collect::<Result<_, Fault>>()?
            }
            None => Vec::new(),
        };
        Ok(Self {
            id: entry.key.clone(),
            line: entry.line,
            kind,
            type_name,
            type_line: type_node.line,
            properties,
            condition,
            depends_on,
            metadata: entry.value.get("Metadata").cloned(),
        })
    }

    /// Refuses a type that is not supported, once it is known that the resource exists.
    pub(super) fn check_type(&self) -> Result<(), Fault> {
        match self.kind {
            Kind::Unsupported => Kind::of(&self.type_name, self.type_line, Some(&self.properties)).map(drop),
            _ => Ok(()),
        }
    }
}

/// Returns the value of `!Ref` to a resource.
pub(super) fn reference(scope: &Scope<'_>, resource: &Resource, line: usize) -> Result<String, Fault> {
    match resource.kind {
        Kind::Function => resource.name(scope, "FunctionName"),
        Kind::HttpApi
        | Kind::WebSocketApi
        | Kind::PlainHttpApi
        | Kind::PlainWebSocketApi
        | Kind::Route
        | Kind::Integration
        | Kind::Authorizer
        | Kind::Deployment
        | Kind::RouteResponse
        | Kind::UserPoolClient => Ok(resource.id.clone()),
        Kind::Stage => api_gateway_v2::stage_name(scope, resource),
        Kind::Table => resource.name(scope, "TableName"),
        Kind::Bucket => bucket::name(scope, resource),
        Kind::Queue => queue::url(scope, resource),
        Kind::Cluster => cluster::identifier(scope, resource),
        Kind::Secret => secret::arn(scope, resource),
        Kind::UserPool => Ok(user_pool::id(scope, resource)),
        Kind::ScheduleGroup => schedule_group::name(scope, resource),
        Kind::Collection => Ok(collection::id(scope, resource)),
        Kind::SecurityPolicy => search_policies::reference(scope, resource, &search_policies::SECURITY),
        Kind::AccessPolicy => search_policies::reference(scope, resource, &search_policies::ACCESS),
        Kind::Role => resource.name(scope, "RoleName"),
        // A resource whose type is not supported has been refused, or does not exist.
        Kind::WithoutMeaning | Kind::Unsupported => Ok(scope.physical_name(&resource.id)),
        Kind::Custom => scope.deferred(resource, None, line),
    }
}

/// Returns the value of `!GetAtt` of a resource.
pub(super) fn attribute(scope: &Scope<'_>, resource: &Resource, attribute: &str, line: usize) -> Result<String, Fault> {
    let (supported, value): (&[&str], _) = match resource.kind {
        Kind::Function => (&["Arn"], function::attribute(scope, resource, attribute)?),
        Kind::HttpApi | Kind::PlainHttpApi => {
            (&["ApiId", "ApiEndpoint"], http_api::attribute(scope, resource, attribute))
        }
        Kind::WebSocketApi | Kind::PlainWebSocketApi => {
            (&["ApiId", "ApiEndpoint"], websocket_api::attribute(scope, resource, attribute))
        }
        Kind::Route => (&["RouteId"], (attribute == "RouteId").then(|| resource.id.clone())),
        Kind::Integration => (&["IntegrationId"], (attribute == "IntegrationId").then(|| resource.id.clone())),
        Kind::Authorizer => (&["AuthorizerId"], (attribute == "AuthorizerId").then(|| resource.id.clone())),
        Kind::Deployment => (&["DeploymentId"], (attribute == "DeploymentId").then(|| resource.id.clone())),
        Kind::Table => (&["Arn", "StreamArn"], table::attribute(scope, resource, attribute)?),
        Kind::Bucket => (&["Arn"], bucket::attribute(scope, resource, attribute)?),
        Kind::Queue => (&["Arn", "QueueName", "QueueUrl"], queue::attribute(scope, resource, attribute)?),
        Kind::Cluster => (cluster::ATTRIBUTES, cluster::attribute(scope, resource, attribute)?),
        Kind::Secret => (&["Id"], if attribute == "Id" { Some(secret::arn(scope, resource)?) } else { None }),
        Kind::UserPool => (user_pool::ATTRIBUTES, user_pool::attribute(scope, resource, attribute)),
        Kind::UserPoolClient => (&["ClientId"], (attribute == "ClientId").then(|| resource.id.clone())),
        Kind::ScheduleGroup => (&["Arn"], schedule_group::attribute(scope, resource, attribute)?),
        Kind::Collection => (collection::ATTRIBUTES, collection::attribute(scope, resource, attribute)),
        Kind::Role => (&["Arn"], schedule_group::role_attribute(scope, resource, attribute)?),
        Kind::Stage
        | Kind::RouteResponse
        | Kind::SecurityPolicy
        | Kind::AccessPolicy
        | Kind::WithoutMeaning
        | Kind::Unsupported => (&[], None),
        Kind::Custom => return scope.deferred(resource, Some(attribute), line),
    };
    value.ok_or_else(|| {
        let place = format!("`GetAtt` of {} ({})", resource.id, resource.type_name);
        Fault::unknown_key(line, attribute, &place, supported.iter().copied())
    })
}

/// Every resource type of this folder.
#[derive(Debug)]
pub(super) struct SupportedTypes;

impl ResourceTypes for SupportedTypes {
    fn reference(&self, scope: &Scope<'_>, resource: &Resource, line: usize) -> Result<String, Fault> {
        reference(scope, resource, line)
    }

    fn attribute(&self, scope: &Scope<'_>, resource: &Resource, name: &str, line: usize) -> Result<String, Fault> {
        attribute(scope, resource, name, line)
    }

    fn generated_reference(&self, scope: &Scope<'_>, name: &str, line: usize) -> Result<String, Fault> {
        generated::reference(scope, name, line)
    }

    fn generated_attribute(
        &self,
        scope: &Scope<'_>,
        name: &str,
        attribute: &str,
        line: usize,
    ) -> Result<String, Fault> {
        generated::attribute(scope, name, attribute, line)
    }
}
