//! `AWS::Serverless::WebSocketApi`, and `AWS::ApiGatewayV2::RouteResponse`, without which a route's reply is not sent.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::{RequestAuthorizer, WebSocketApi, WebSocketRoute};
use super::super::resource::{Kind, Resource};
use super::super::scope::Scope;
use super::super::shape::Shape;
use super::route_settings::route_limits;

pub(super) const TYPE: &str = "AWS::Serverless::WebSocketApi";
pub(super) const ROUTE_RESPONSE_TYPE: &str = "AWS::ApiGatewayV2::RouteResponse";

pub(super) const SHAPE: Shape = Shape {
    place: TYPE,
    supported: &["Auth", "DefaultRouteSettings", "RouteSelectionExpression", "RouteSettings", "Routes", "StageName"],
    ignored: &[
        (&["AccessLogSettings"], "frames are logged to the terminal"),
        (&["DisableExecuteApiEndpoint", "Domain", "IpAddressType"], "there are no domain names on loopback"),
        (&["DisableSchemaValidation"], "there are no request models to validate against"),
        (&["Description", "FailOnWarnings", "Name", "PropagateTags", "Tags"], "for people and bills"),
    ],
};

const AUTH: Shape = Shape {
    place: "`Auth` of a WebSocket API",
    supported: &["AuthArn", "AuthType", "IdentitySource"],
    ignored: &[(&["InvokeRole"], "IAM is not enforced"), (&["Name"], "for people")],
};

const ROUTE: Shape = Shape {
    place: "a route of a WebSocket API",
    supported: &["FunctionArn", "IntegrationTimeout", "RouteResponseSelectionExpression"],
    ignored: &[(&["OperationName"], "for people")],
};

pub(super) const ROUTE_RESPONSE: Shape =
    Shape { place: ROUTE_RESPONSE_TYPE, supported: &["ApiId", "RouteId", "RouteResponseKey"], ignored: &[] };

/// SAM's default name of the stage.
pub(super) const DEFAULT_STAGE: &str = "default";

/// The one key and expression that API Gateway has for route responses.
pub(super) const DEFAULT_RESPONSE: &str = "$default";

/// Maximum and default time of an integration, in milliseconds:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>.
pub(super) const TIMEOUT_MILLIS: std::ops::RangeInclusive<u64> = 50..=29_000;

const SPECIAL_ROUTES: [&str; 3] = ["$connect", "$disconnect", "$default"];

pub(super) fn attribute(scope: &Scope<'_>, resource: &Resource, attribute: &str) -> Option<String> {
    match attribute {
        "ApiId" => Some(resource.id.clone()),
        "ApiEndpoint" => scope.addresses.apis.get(&resource.id).map(|address| format!("ws://{address}")),
        _ => None,
    }
}

/// Returns the beginning of the logical ids that SAM generates for a route: the API's id and the key, its first letter in upper
/// case and the rest in lower case.
pub(super) fn generated_prefix(api: &str, key: &str) -> String {
    let key = key.trim_start_matches('$');
    let (first, rest) = key.split_at(key.chars().next().map_or(0, char::len_utf8));
    format!("{api}{}{}", first.to_uppercase(), rest.to_lowercase())
}

pub(super) fn stage(scope: &Scope<'_>, resource: &Resource) -> Result<String, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    let stage = fields.text("StageName")?.unwrap_or_else(|| DEFAULT_STAGE.to_owned());
    check_stage(&stage, fields.line("StageName"))?;
    Ok(stage)
}

/// Refuses a name that cannot be part of a URL's path.
pub(super) fn check_stage(stage: &str, line: usize) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !stage.is_empty() && stage.chars().all(allowed) {
        return Ok(());
    }
    let sentence = format!("`StageName` of a WebSocket API has letters, digits, `-` and `_` only, unlike `{stage}`");
    Err(Fault::invalid(line, sentence))
}

/// Reads an API. `responding` are the ids of the routes that have a route response.
pub(crate) fn read(scope: &Scope<'_>, resource: &Resource, responding: &[String]) -> Result<WebSocketApi, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    let mut routes = BTreeMap::new();
    for (entry, node) in fields.entries("Routes")? {
        let key = &entry.key;
        let alphanumeric = key.chars().all(char::is_alphanumeric) && !key.is_empty();
        if !alphanumeric && !SPECIAL_ROUTES.contains(&key.as_str()) {
            let sentence =
                format!("the route key `{key}` must be alphanumeric or one of {}", SPECIAL_ROUTES.join(", "));
            return Err(Fault::invalid(entry.line, sentence));
        }
        if let Some(fields) = Fields::open(scope, node, &ROUTE)? {
            let route_id = format!("{}Route", generated_prefix(&resource.id, key));
            routes.insert(key.clone(), route(scope, &fields, responding.contains(&route_id))?);
        }
    }
    if routes.is_empty() {
        return Err(fields.missing("Routes"));
    }
    let authorizer = match fields.object("Auth", &AUTH)? {
        Some(_) if !routes.contains_key("$connect") => {
            let sentence = "`Auth` applies to the route `$connect`, which this API does not have";
            return Err(Fault::invalid(fields.line("Auth"), sentence));
        }
        Some(auth) => authorizer(scope, &auth)?,
        None => None,
    };
    let route_limits = route_limits(&fields, routes.keys().map(String::as_str), &BTreeMap::new())?;
    Ok(WebSocketApi {
        logical_id: resource.id.clone(),
        api_id: resource.id.clone(),
        stage: stage(scope, resource)?,
        route_selection_expression: route_selection_expression(&fields)?,
        authorizer,
        routes,
        route_limits,
    })
}

fn route(scope: &Scope<'_>, fields: &Fields<'_>, has_response: bool) -> Result<WebSocketRoute, Fault> {
    let selects = fields.one_of("RouteResponseSelectionExpression", &[DEFAULT_RESPONSE])?.is_some();
    let timeout = fields.number("IntegrationTimeout", TIMEOUT_MILLIS)?.unwrap_or(*TIMEOUT_MILLIS.end());
    Ok(WebSocketRoute {
        function: function(scope, fields, "FunctionArn")?,
        responds: selects && has_response,
        timeout: Duration::from_millis(timeout),
    })
}

fn function(scope: &Scope<'_>, fields: &Fields<'_>, key: &str) -> Result<String, Fault> {
    let arn = fields.required(key)?;
    scope.find(Kind::Function, "Arn", &arn, fields.line(key)).map(|function| function.id.clone())
}

fn authorizer(scope: &Scope<'_>, auth: &Fields<'_>) -> Result<Option<RequestAuthorizer>, Fault> {
    match auth.one_of("AuthType", &["NONE", "CUSTOM"])?.as_deref() {
        None => Err(auth.missing("AuthType")),
        Some("CUSTOM") => Ok(Some(RequestAuthorizer {
            function: function(scope, auth, "AuthArn")?,
            identity_sources: auth.texts("IdentitySource")?,
        })),
        Some(_) => Ok(None),
    }
}

/// The expression picks a field of the frame's JSON; API Gateway has no other source for WebSocket messages.
pub(super) fn route_selection_expression(fields: &Fields<'_>) -> Result<String, Fault> {
    let expression = fields.required("RouteSelectionExpression")?;
    let picks_field = |expression: &str| {
        expression.strip_prefix("$request.body.").is_some_and(|field| !field.is_empty() && !field.contains('$'))
    };
    let bare = expression.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).map(|inner| format!("${inner}"));
    let plain = bare.unwrap_or(expression);
    if picks_field(&plain) {
        return Ok(plain);
    }
    let line = fields.line("RouteSelectionExpression");
    Err(Fault::invalid(
        line,
        format!("`RouteSelectionExpression` is `$request.body.<field>`; `{plain}` is not supported"),
    ))
}
