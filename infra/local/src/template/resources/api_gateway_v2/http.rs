//! HTTP APIs.

use super::super::super::error::Fault;
use super::super::super::model::{HttpApi, HttpRoute, JwtAuthorizer};
use super::super::super::scope::Scope;
use super::super::super::shape::{Fields, Shape};
use super::super::http_api::{DEFAULT_ROUTE, DEFAULT_STAGE, METHODS, token_source};
use super::super::{Kind, Resource, cors};
use super::{API_TYPE, Part, ROUTE, authorizer, function, integration, parts, stage};

/// `Target` and `Body` are left out on purpose: routes are spelled out.
pub(in super::super) const API: Shape = Shape {
    place: API_TYPE,
    honoured: &["CorsConfiguration", "ProtocolType"],
    ignored: &[
        (&["DisableExecuteApiEndpoint", "IpAddressType"], "there are no domain names on loopback"),
        (&["RouteSelectionExpression"], "an HTTP API has only one"),
        (&["FailOnWarnings"], "nothing is imported"),
        (&["Description", "Name", "Tags", "Version"], "for people and bills"),
    ],
};

const JWT: Shape = Shape { place: "`JwtConfiguration`", honoured: &["Audience", "Issuer"], ignored: &[] };

/// Reads an API with its routes.
pub(in super::super::super) fn read(scope: &Scope<'_>, api: &Resource) -> Result<HttpApi, Fault> {
    let (stage, line) = stage(scope, api)?;
    if stage != DEFAULT_STAGE {
        return Err(Fault::unknown_value(line, "`StageName` of an HTTP API", &stage, [DEFAULT_STAGE]));
    }
    let mut routes: Vec<HttpRoute> = Vec::new();
    for part in parts(scope, Kind::Route, &ROUTE, &api.id)? {
        let route = route(scope, &part)?;
        if routes.iter().any(|other| other.method == route.method && other.path == route.path) {
            let sentence = format!("`{} {}` has a function already", route.method, route.path);
            return Err(Fault::invalid(part.fields.line("RouteKey"), sentence));
        }
        routes.push(route);
    }
    let cors = cors::read(scope, &api.fields(scope, &API)?)?;
    Ok(HttpApi { logical_id: api.id.clone(), api_id: api.id.clone(), routes, cors })
}

fn route(scope: &Scope<'_>, part: &Part<'_>) -> Result<HttpRoute, Fault> {
    let (method, path) = route_key(&part.fields)?;
    let integration = integration(scope, part)?;
    // What CloudFormation takes for an absent one is 1.0, whose events are others.
    if integration.one_of("PayloadFormatVersion", &["2.0"])?.is_none() {
        return Err(integration.missing("PayloadFormatVersion"));
    }
    if let Some(node) = integration.node("TimeoutInMillis")? {
        let sentence = "`TimeoutInMillis` of an HTTP API is not supported: a function has the default, 30 s";
        return Err(Fault::invalid(node.line, sentence));
    }
    let authorizer = match authorizer(scope, part, "JWT")? {
        Some(fields) => Some(jwt_authorizer(&fields)?),
        None => None,
    };
    let scopes = part.fields.texts("AuthorizationScopes")?;
    Ok(HttpRoute { method, path, function: function(scope, &integration, "IntegrationUri")?, authorizer, scopes })
}

/// `GET /path`, `ANY /path` or `$default`.
fn route_key(route: &Fields<'_>) -> Result<(String, String), Fault> {
    let key = route.required("RouteKey")?;
    if key == DEFAULT_ROUTE {
        return Ok(("ANY".to_owned(), key));
    }
    match key.split_once(' ') {
        Some((method, path)) if METHODS.contains(&method) && path.starts_with('/') => {
            Ok((method.to_owned(), path.to_owned()))
        }
        _ => {
            let sentence = format!("`RouteKey` is a method and a path, or `{DEFAULT_ROUTE}`, unlike `{key}`");
            Err(Fault::invalid(route.line("RouteKey"), sentence))
        }
    }
}

fn jwt_authorizer(authorizer: &Fields<'_>) -> Result<JwtAuthorizer, Fault> {
    if authorizer.one_of("AuthorizerType", &["JWT"])?.is_none() {
        return Err(authorizer.missing("AuthorizerType"));
    }
    let jwt = authorizer.object("JwtConfiguration", &JWT)?.ok_or_else(|| authorizer.missing("JwtConfiguration"))?;
    let (audience, line) = (jwt.texts("Audience")?, authorizer.line("IdentitySource"));
    if audience.is_empty() {
        return Err(jwt.missing("Audience"));
    }
    let [identity_source] = <[String; 1]>::try_from(authorizer.texts("IdentitySource")?)
        .map_err(|_| Fault::invalid(line, "a JWT authorizer has one `IdentitySource`"))?;
    let identity_source = token_source(identity_source, line)?;
    Ok(JwtAuthorizer { issuer: jwt.required("Issuer")?, audience, identity_source })
}
