//! `AWS::Serverless::HttpApi`, its authorizers and the routes that events of functions make.

use std::collections::BTreeMap;

use super::super::error::Fault;
use super::super::model::{HttpApi, HttpRoute, JwtAuthorizer};
use super::super::scope::Scope;
use super::super::shape::{Fields, Shape};
use super::super::yaml::Node;
use super::{Kind, Resource, function_events};

pub(in super::super) const TYPE: &str = "AWS::Serverless::HttpApi";

/// The API that SAM makes for events without `ApiId`.
pub(in super::super) const IMPLICIT_ID: &str = "ServerlessHttpApi";

pub(super) const SHAPE: Shape = Shape {
    place: TYPE,
    honoured: &["Auth", "StageName"],
    ignored: &[
        (&["AccessLogSettings"], "requests are logged to the terminal"),
        (&["DefaultRouteSettings", "RouteSettings"], "requests are neither throttled nor metered"),
        (&["DisableExecuteApiEndpoint", "Domain"], "there are no domain names on loopback"),
        (&["FailOnWarnings"], "nothing is imported"),
        (&["Description", "Name", "PropagateTags", "Tags"], "for people and bills"),
    ],
};

const AUTH: Shape =
    Shape { place: "`Auth` of an HTTP API", honoured: &["Authorizers", "DefaultAuthorizer"], ignored: &[] };

const AUTHORIZER: Shape =
    Shape { place: "an authorizer of an HTTP API", honoured: &["IdentitySource", "JwtConfiguration"], ignored: &[] };

const JWT: Shape = Shape { place: "`JwtConfiguration`", honoured: &["audience", "issuer"], ignored: &[] };

const EVENT: Shape = Shape {
    place: "an event of type HttpApi",
    honoured: &["ApiId", "Auth", "Method", "Path", "PayloadFormatVersion"],
    ignored: &[(&["RouteSettings"], "requests are neither throttled nor metered")],
};

const EVENT_AUTH: Shape =
    Shape { place: "`Auth` of an event of type HttpApi", honoured: &["Authorizer"], ignored: &[] };

/// The stage whose name is not part of the path.
const DEFAULT_STAGE: &str = "$default";

/// The authorizer that makes a route public.
const PUBLIC: &str = "NONE";

const METHODS: [&str; 8] = ["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

pub(super) fn attribute(scope: &Scope<'_>, resource: &Resource, attribute: &str) -> Option<String> {
    match attribute {
        "ApiId" => Some(resource.id.clone()),
        "ApiEndpoint" => scope.addresses.apis.get(&resource.id).map(|address| format!("http://{address}")),
        _ => None,
    }
}

/// Whether an event of type `HttpApi` leaves its API to SAM.
pub(in super::super) fn uses_implicit_api(function: &Resource) -> Option<usize> {
    let events = function.properties.get("Events")?.map().ok()?;
    let mut http =
        events.iter().filter(|event| event.value.get("Type").and_then(Node::as_str) == Some(function_events::HTTP_API));
    let without = |node: &Node| node.get("Properties").is_none_or(|properties| properties.get("ApiId").is_none());
    http.find(|event| without(&event.value)).map(|event| event.line)
}

/// Reads an API with its routes from the events of all functions.
pub(in super::super) fn read(
    scope: &Scope<'_>,
    resource: &Resource,
    functions: &[&Resource],
) -> Result<HttpApi, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    fields.one_of("StageName", &[DEFAULT_STAGE])?;
    let auth = fields.object("Auth", &AUTH)?;
    let authorizers = match &auth {
        Some(auth) => authorizers(scope, auth)?,
        None => BTreeMap::new(),
    };
    let default = match &auth {
        Some(auth) => auth.text("DefaultAuthorizer")?.map(|name| (name, auth.line("DefaultAuthorizer"))),
        None => None,
    };
    let mut routes: Vec<HttpRoute> = Vec::new();
    for function in functions {
        for event in function_events::all(scope, function)? {
            if event.kind != function_events::HTTP_API {
                continue;
            }
            let Some(properties) = event.properties else {
                return Err(Fault::missing(event.line, "Path", EVENT.place));
            };
            let Some(fields) = Fields::open(scope, properties, &EVENT)? else {
                continue;
            };
            if !belongs_to(scope, &fields, resource)? {
                continue;
            }
            fields.one_of("PayloadFormatVersion", &["2.0"])?;
            let (method, path) = (method(&fields)?, path(&fields)?);
            if routes.iter().any(|route| route.method == method && route.path == path) {
                let sentence = format!("`{method} {path}` has a function already");
                return Err(Fault::invalid(event.line, sentence));
            }
            let authorizer = chosen(&fields, default.as_ref(), &authorizers)?;
            routes.push(HttpRoute { method, path, function: function.id.clone(), authorizer });
        }
    }
    Ok(HttpApi { logical_id: resource.id.clone(), api_id: resource.id.clone(), routes })
}

fn belongs_to(scope: &Scope<'_>, event: &Fields<'_>, api: &Resource) -> Result<bool, Fault> {
    let Some(id) = event.text("ApiId")? else {
        return Ok(api.id == IMPLICIT_ID);
    };
    super::find(scope, Kind::HttpApi, "ApiId", &id, event.line("ApiId")).map(|resource| resource.id == api.id)
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

/// The event's own authorizer, else the API's default.
fn chosen(
    event: &Fields<'_>,
    default: Option<&(String, usize)>,
    authorizers: &BTreeMap<String, JwtAuthorizer>,
) -> Result<Option<JwtAuthorizer>, Fault> {
    let own = match event.object("Auth", &EVENT_AUTH)? {
        Some(auth) => auth.text("Authorizer")?.map(|name| (name, auth.line("Authorizer"))),
        None => None,
    };
    match own.as_ref().or(default) {
        None => Ok(None),
        Some((name, _)) if name == PUBLIC => Ok(None),
        Some((name, line)) => {
            let authorizer = authorizers.get(name).cloned().ok_or_else(|| {
                let supported = authorizers.keys().map(String::as_str).chain([PUBLIC]);
                Fault::unknown_value(*line, "the authorizer", name, supported)
            })?;
            Ok(Some(authorizer))
        }
    }
}

fn authorizers(scope: &Scope<'_>, auth: &Fields<'_>) -> Result<BTreeMap<String, JwtAuthorizer>, Fault> {
    let mut authorizers = BTreeMap::new();
    for (entry, node) in auth.entries("Authorizers")? {
        let Some(fields) = Fields::open(scope, node, &AUTHORIZER)? else {
            continue;
        };
        let jwt = fields.object("JwtConfiguration", &JWT)?.ok_or_else(|| fields.missing("JwtConfiguration"))?;
        let audience = jwt.texts("audience")?;
        if audience.is_empty() {
            return Err(jwt.missing("audience"));
        }
        let identity_source = fields.required("IdentitySource")?;
        if !identity_source.starts_with("$request.header.") {
            let sentence =
                format!("`IdentitySource` is `$request.header.<name>`; `{identity_source}` is not supported");
            return Err(Fault::invalid(fields.line("IdentitySource"), sentence));
        }
        let authorizer = JwtAuthorizer { issuer: jwt.required("issuer")?, audience, identity_source };
        authorizers.insert(entry.key.clone(), authorizer);
    }
    Ok(authorizers)
}
