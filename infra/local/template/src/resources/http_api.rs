//! `AWS::Serverless::HttpApi` and the routes that events of functions make.

use std::collections::BTreeMap;

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::{HttpApi, HttpAuthorizer, HttpRoute};
use super::super::resource::{Kind, Resource};
use super::super::scope::Scope;
use super::super::shape::Shape;
use super::super::yaml::{Node, Value};
use super::route_settings::{Limits, SETTINGS, route_limits};
use super::{cors, function_events, http_authorizers};

pub(crate) const TYPE: &str = "AWS::Serverless::HttpApi";

/// The API that SAM makes for events without `ApiId`.
pub(crate) const IMPLICIT_ID: &str = "ServerlessHttpApi";

pub(super) const SHAPE: Shape = Shape {
    place: TYPE,
    supported: &["Auth", "CorsConfiguration", "DefaultRouteSettings", "RouteSettings", "StageName"],
    ignored: &[
        (&["AccessLogSettings"], "requests are logged to the terminal"),
        (&["DisableExecuteApiEndpoint", "Domain"], "there are no domain names on loopback"),
        (&["FailOnWarnings"], "nothing is imported"),
        (&["Description", "Name", "PropagateTags", "Tags"], "for people and bills"),
    ],
};

const AUTH: Shape =
    Shape { place: "`Auth` of an HTTP API", supported: &["Authorizers", "DefaultAuthorizer"], ignored: &[] };

const EVENT: Shape = Shape {
    place: "an event of type HttpApi",
    supported: &["ApiId", "Auth", "Method", "Path", "PayloadFormatVersion", "RouteSettings"],
    ignored: &[],
};

const EVENT_AUTH: Shape = Shape {
    place: "`Auth` of an event of type HttpApi",
    supported: &["AuthorizationScopes", "Authorizer"],
    ignored: &[],
};

/// The stage whose name is not part of the path.
pub(super) const DEFAULT_STAGE: &str = "$default";

/// The route that takes what no other takes.
pub(super) const DEFAULT_ROUTE: &str = "$default";

/// The authorizer that makes a route public.
const PUBLIC: &str = "NONE";

pub(super) const METHODS: [&str; 8] = ["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

pub(super) fn attribute(scope: &Scope<'_>, resource: &Resource, attribute: &str) -> Option<String> {
    match attribute {
        "ApiId" => Some(resource.id.clone()),
        "ApiEndpoint" => scope.addresses.apis.get(&resource.id).map(|address| format!("http://{address}")),
        _ => None,
    }
}

/// Returns the line of an event of type `HttpApi` that leaves its API to SAM.
pub(crate) fn uses_implicit_api(function: &Resource) -> Option<usize> {
    let events = function.properties.get("Events")?.map().ok()?;
    let mut http =
        events.iter().filter(|event| event.value.get("Type").and_then(Node::as_str) == Some(function_events::HTTP_API));
    let without = |node: &Node| node.get("Properties").is_none_or(|properties| properties.get("ApiId").is_none());
    http.find(|event| without(&event.value)).map(|event| event.line)
}

/// Reads an API with its routes from the events of all functions.
pub(crate) fn read(scope: &Scope<'_>, resource: &Resource, functions: &[&Resource]) -> Result<HttpApi, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    fields.one_of("StageName", &[DEFAULT_STAGE])?;
    let auth = fields.object("Auth", &AUTH)?;
    let authorizers = match &auth {
        Some(auth) => http_authorizers::read_all(scope, auth)?,
        None => BTreeMap::new(),
    };
    let default = match &auth {
        Some(auth) => auth.text("DefaultAuthorizer")?.map(|name| (name, auth.line("DefaultAuthorizer"))),
        None => None,
    };
    let nothing = Node { line: resource.line, value: Value::Map(Vec::new()) };
    let mut routes: Vec<HttpRoute> = Vec::new();
    let mut own_limits = BTreeMap::new();
    for function in functions {
        for event in function_events::all(scope, function)? {
            if event.kind != function_events::HTTP_API {
                continue;
            }
            // Without properties it is the default route of the API that SAM makes.
            let Some(fields) = Fields::open(scope, event.properties.unwrap_or(&nothing), &EVENT)? else {
                continue;
            };
            if !belongs_to(scope, &fields, resource)? {
                continue;
            }
            fields.one_of("PayloadFormatVersion", &["2.0"])?;
            let (method, path) = route_key(&fields)?;
            if routes.iter().any(|route| route.method == method && route.path == path) {
                let sentence = format!("`{method} {path}` has a function already");
                return Err(Fault::invalid(event.line, sentence));
            }
            let authorizer = chosen(&fields, default.as_ref(), &authorizers)?;
            let route = HttpRoute { method, path, function: function.id.clone(), authorizer };
            if let Some(settings) = fields.object("RouteSettings", &SETTINGS)? {
                own_limits.insert(route.key(), Limits::read(&settings)?);
            }
            routes.push(route);
        }
    }
    let cors = cors::read(scope, &fields)?;
    let keys: Vec<_> = routes.iter().map(HttpRoute::key).collect();
    let route_limits = route_limits(&fields, keys.iter().map(String::as_str), &own_limits)?;
    Ok(HttpApi { logical_id: resource.id.clone(), api_id: resource.id.clone(), routes, cors, route_limits })
}

fn belongs_to(scope: &Scope<'_>, event: &Fields<'_>, api: &Resource) -> Result<bool, Fault> {
    let Some(id) = event.text("ApiId")? else {
        return Ok(api.id == IMPLICIT_ID);
    };
    scope.find(Kind::HttpApi, "ApiId", &id, event.line("ApiId")).map(|resource| resource.id == api.id)
}

/// Method and path; an event without both is the default route.
fn route_key(event: &Fields<'_>) -> Result<(String, String), Fault> {
    if event.node("Method")?.is_none() && event.node("Path")?.is_none() {
        return Ok(("ANY".to_owned(), DEFAULT_ROUTE.to_owned()));
    }
    Ok((method(event)?, path(event)?))
}

fn method(event: &Fields<'_>) -> Result<String, Fault> {
    let method = event.required("Method")?.to_uppercase();
    match method.as_str() {
        // Other spellings of the same in SAM and in OpenAPI.
        "*" | "X-AMAZON-APIGATEWAY-ANY-METHOD" => Ok("ANY".to_owned()),
        _ if METHODS.contains(&method.as_str()) => Ok(method),
        _ => Err(Fault::unknown_value(event.line("Method"), "`Method`", &method, METHODS)),
    }
}

fn path(event: &Fields<'_>) -> Result<String, Fault> {
    let path = event.required("Path")?;
    if path.starts_with('/') {
        return Ok(path);
    }
    Err(Fault::invalid(event.line("Path"), format!("`Path` must begin with `/`, and `{path}` does not")))
}

/// The event's own authorizer and scopes, else the API's default.
fn chosen(
    event: &Fields<'_>,
    default: Option<&(String, usize)>,
    authorizers: &BTreeMap<String, HttpAuthorizer>,
) -> Result<Option<HttpAuthorizer>, Fault> {
    let auth = event.object("Auth", &EVENT_AUTH)?;
    let own = match &auth {
        Some(auth) => auth.text("Authorizer")?.map(|name| (name, auth.line("Authorizer"))),
        None => None,
    };
    match own.as_ref().or(default) {
        None => Ok(None),
        Some((name, _)) if name == PUBLIC => Ok(None),
        Some((name, line)) => {
            let mut authorizer = authorizers.get(name).cloned().ok_or_else(|| {
                let supported = authorizers.keys().map(String::as_str).chain([PUBLIC]);
                Fault::unknown_value(*line, "the authorizer", name, supported)
            })?;
            if let (HttpAuthorizer::Jwt { scopes, .. }, Some(auth)) = (&mut authorizer, &auth)
                && auth.node("AuthorizationScopes")?.is_some()
            {
                *scopes = auth.texts("AuthorizationScopes")?;
            }
            Ok(Some(authorizer))
        }
    }
}
