//! `AWS::ApiGatewayV2::*`: APIs spelled out part by part, as SAM's own two types expand to.
//!
//! The ids that API Gateway gives to the parts are opaque; locally they are the logical ids, which lead back to the parts.

pub(crate) mod http;
pub(crate) mod websocket;

use super::super::error::{Fault, Problem};
use super::super::fields::Fields;
use super::super::resource::{Kind, Resource};
use super::super::scope::Scope;
use super::super::shape::Shape;
use super::super::yaml::Node;
use super::websocket_api;

pub(super) const API_TYPE: &str = "AWS::ApiGatewayV2::Api";
pub(super) const ROUTE_TYPE: &str = "AWS::ApiGatewayV2::Route";
pub(super) const INTEGRATION_TYPE: &str = "AWS::ApiGatewayV2::Integration";
pub(super) const AUTHORIZER_TYPE: &str = "AWS::ApiGatewayV2::Authorizer";
pub(super) const STAGE_TYPE: &str = "AWS::ApiGatewayV2::Stage";
pub(super) const DEPLOYMENT_TYPE: &str = "AWS::ApiGatewayV2::Deployment";

pub(super) const ROUTE: Shape = Shape {
    place: ROUTE_TYPE,
    supported: &[
        "ApiId",
        "AuthorizationScopes",
        "AuthorizationType",
        "AuthorizerId",
        "RouteKey",
        "RouteResponseSelectionExpression",
        "Target",
    ],
    ignored: &[(&["OperationName"], "for people")],
};

pub(super) const INTEGRATION: Shape = Shape {
    place: INTEGRATION_TYPE,
    supported: &["ApiId", "IntegrationType", "IntegrationUri", "PayloadFormatVersion", "TimeoutInMillis"],
    ignored: &[
        (&["ConnectionType", "IntegrationMethod"], "a function is called in one way only"),
        (&["CredentialsArn"], "IAM is not enforced"),
        (&["Description"], "for people"),
    ],
};

pub(super) const AUTHORIZER: Shape = Shape {
    place: AUTHORIZER_TYPE,
    supported: &[
        "ApiId",
        "AuthorizerPayloadFormatVersion",
        "AuthorizerResultTtlInSeconds",
        "AuthorizerType",
        "AuthorizerUri",
        "EnableSimpleResponses",
        "IdentitySource",
        "JwtConfiguration",
    ],
    ignored: &[
        (&["AuthorizerCredentialsArn"], "IAM is not enforced"),
        (&["IdentityValidationExpression"], "API Gateway does not use it either"),
        (&["Name"], "for people"),
    ],
};

pub(super) const STAGE: Shape = Shape {
    place: STAGE_TYPE,
    supported: &["ApiId", "AutoDeploy", "DefaultRouteSettings", "DeploymentId", "RouteSettings", "StageName"],
    ignored: &[
        (&["AccessLogSettings"], "requests are logged to the terminal"),
        (&["Description", "Tags"], "for people and bills"),
    ],
};

pub(super) const DEPLOYMENT: Shape = Shape {
    place: DEPLOYMENT_TYPE,
    supported: &["ApiId"],
    ignored: &[(&["StageName"], "the stage itself says what it serves"), (&["Description"], "for people")],
};

const PROTOCOL: &str = "ProtocolType";

/// The kind of an API, which has to be known before any value is worked out.
pub(super) fn kind(properties: Option<&Node>, line: usize) -> Result<Kind, Fault> {
    let Some(protocol) = properties.and_then(|properties| properties.get(PROTOCOL)) else {
        return Err(Fault::missing(line, PROTOCOL, API_TYPE));
    };
    match protocol.text()? {
        "HTTP" => Ok(Kind::PlainHttpApi),
        "WEBSOCKET" => Ok(Kind::PlainWebSocketApi),
        other => Err(Fault::unknown_value(protocol.line, "`ProtocolType`", other, ["HTTP", "WEBSOCKET"])),
    }
}

pub(super) fn stage_name(scope: &Scope<'_>, stage: &Resource) -> Result<String, Fault> {
    stage.fields(scope, &STAGE)?.required("StageName")
}

/// Returns true if `route` is the id of a route of this API that the template spells out.
pub(super) fn is_route_of(scope: &Scope<'_>, route: &str, api_id: &str) -> Result<bool, Fault> {
    for part in parts(scope, Kind::Route, &ROUTE, api_id)? {
        if part.resource.id == route {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A part of an API: one resource that names it in `ApiId`.
struct Part<'a> {
    resource: &'a Resource,
    fields: Fields<'a>,
}

/// The parts of one kind that an API has.
fn parts<'a>(scope: &'a Scope<'a>, kind: Kind, shape: &'static Shape, api_id: &str) -> Result<Vec<Part<'a>>, Fault> {
    let mut parts = Vec::new();
    for resource in scope.template.resources.iter().filter(|resource| resource.kind == kind) {
        if scope.exists(resource)? {
            let fields = resource.fields(scope, shape)?;
            if fields.required("ApiId")? == api_id {
                parts.push(Part { resource, fields });
            }
        }
    }
    Ok(parts)
}

/// An API's one stage.
fn stage<'a>(scope: &'a Scope<'a>, api: &Resource) -> Result<Fields<'a>, Fault> {
    let stages = parts(scope, Kind::Stage, &STAGE, &api.id)?;
    let [Part { resource, fields }] = <[Part<'a>; 1]>::try_from(stages).map_err(|stages| {
        let sentence = format!("`{}` needs exactly one {STAGE_TYPE}, and has {}", api.id, stages.len());
        Fault::invalid(api.line, sentence)
    })?;
    match fields.text("DeploymentId")? {
        Some(deployment) => {
            scope.find(Kind::Deployment, "DeploymentId", &deployment, fields.line("DeploymentId"))?;
        }
        None if fields.boolean("AutoDeploy")? == Some(true) => {}
        None => {
            let sentence = "a stage without `DeploymentId` and without `AutoDeploy: true` serves nothing";
            return Err(Fault::invalid(resource.line, sentence));
        }
    }
    Ok(fields)
}

/// The integration that a route's `Target` names: `integrations/<id>`.
fn integration<'a>(scope: &'a Scope<'a>, route: &Part<'a>) -> Result<Fields<'a>, Fault> {
    let (target, line) = (route.fields.required("Target")?, route.fields.line("Target"));
    let Some(id) = target.strip_prefix("integrations/") else {
        return Err(Fault::invalid(line, format!("`Target` is `integrations/<id>`, unlike `{target}`")));
    };
    let integration = scope.find(Kind::Integration, "IntegrationId", id, line)?.fields(scope, &INTEGRATION)?;
    if integration.one_of("IntegrationType", &["AWS_PROXY"])?.is_none() {
        return Err(integration.missing("IntegrationType"));
    }
    Ok(integration)
}

/// The function of `arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<function's ARN>/invocations`, or of the
/// function's ARN alone.
fn function(scope: &Scope<'_>, fields: &Fields<'_>, key: &str) -> Result<String, Fault> {
    let uri = fields.required(key)?;
    let path = uri.split_once(":lambda:path/2015-03-31/functions/").map(|(_, path)| path);
    let arn = path.and_then(|path| path.strip_suffix("/invocations")).unwrap_or(&uri);
    scope.find(Kind::Function, "Arn", arn, fields.line(key)).map(|function| function.id.clone())
}

/// The authorizer of a route, if its `AuthorizationType` asks for one. `kinds` are the types that the API can have, and the
/// `AuthorizerType` that each asks for.
fn authorizer<'a>(scope: &'a Scope<'a>, route: &Part<'a>, kinds: &[(&str, &str)]) -> Result<Option<Part<'a>>, Fault> {
    let supported: Vec<_> = ["NONE"].into_iter().chain(kinds.iter().map(|(kind, _)| *kind)).collect();
    let kind = route.fields.one_of("AuthorizationType", &supported)?;
    let Some((_, authorizer_type)) = kinds.iter().find(|(name, _)| kind.as_deref() == Some(name)) else {
        return Ok(None);
    };
    let (id, line) = (route.fields.required("AuthorizerId")?, route.fields.line("AuthorizerId"));
    let resource = scope.find(Kind::Authorizer, "AuthorizerId", &id, line)?;
    let fields = resource.fields(scope, &AUTHORIZER)?;
    if fields.one_of("AuthorizerType", &[authorizer_type])?.is_none() {
        return Err(fields.missing("AuthorizerType"));
    }
    Ok(Some(Part { resource, fields }))
}

/// The ids of the routes that a route response names.
pub(crate) fn responding_routes(scope: &Scope<'_>, responses: &[&Resource]) -> Result<Vec<String>, Fault> {
    let mut routes = Vec::new();
    for response in responses {
        let fields = response.fields(scope, &websocket_api::ROUTE_RESPONSE)?;
        if fields.one_of("RouteResponseKey", &[websocket_api::DEFAULT_RESPONSE])?.is_none() {
            return Err(fields.missing("RouteResponseKey"));
        }
        let (api_id, route) = (fields.required("ApiId")?, fields.required("RouteId")?);
        if is_route_of(scope, &route, &api_id)? {
            routes.push(route);
            continue;
        }
        let api = scope.find(Kind::WebSocketApi, "ApiId", &api_id, fields.line("ApiId"))?;
        let of_api = api.properties.get("Routes").map(Node::map).transpose()?.unwrap_or_default();
        if !of_api.iter().any(|entry| format!("{}Route", websocket_api::generated_prefix(&api.id, &entry.key)) == route)
        {
            return Err(Fault::new(fields.line("RouteId"), Problem::UnknownName(route)));
        }
        routes.push(route);
    }
    Ok(routes)
}
