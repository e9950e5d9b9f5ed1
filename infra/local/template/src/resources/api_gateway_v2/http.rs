//! Resources of HTTP APIs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::super::error::Fault;
use super::super::super::fields::Fields;
use super::super::super::model::{HttpApi, HttpAuthorizer, HttpRoute, JwtAuthorizer, LambdaAuthorizer};
use super::super::super::resource::{Kind, Resource};
use super::super::super::scope::Scope;
use super::super::super::shape::Shape;
use super::super::http_api::{DEFAULT_ROUTE, DEFAULT_STAGE, METHODS};
use super::super::route_settings::route_limits;
use super::super::{cors, http_authorizers};
use super::{API_TYPE, Part, ROUTE, authorizer, function, integration, parts, stage};

/// `Target` and `Body` are left out on purpose: routes are spelled out.
pub(crate) const API: Shape = Shape {
    place: API_TYPE,
    supported: &["CorsConfiguration", "ProtocolType"],
    ignored: &[
        (&["DisableExecuteApiEndpoint", "IpAddressType"], "there are no domain names on loopback"),
        (&["RouteSelectionExpression"], "an HTTP API has only one"),
        (&["FailOnWarnings"], "nothing is imported"),
        (&["Description", "Name", "Tags", "Version"], "for people and bills"),
    ],
};

const JWT: Shape = Shape { place: "`JwtConfiguration`", supported: &["Audience", "Issuer"], ignored: &[] };

/// Reads an API with its routes.
pub(in super::super::super) fn read(scope: &Scope<'_>, api: &Resource) -> Result<HttpApi, Fault> {
    let stage = stage(scope, api)?;
    let name = stage.required("StageName")?;
    if name != DEFAULT_STAGE {
        let line = stage.line("StageName");
        return Err(Fault::unknown_value(line, "`StageName` of an HTTP API", &name, [DEFAULT_STAGE]));
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
    let keys: Vec<_> = routes.iter().map(HttpRoute::key).collect();
    let route_limits = route_limits(&stage, keys.iter().map(String::as_str), &BTreeMap::new())?;
    Ok(HttpApi { logical_id: api.id.clone(), api_id: api.id.clone(), routes, cors, route_limits })
}

fn route(scope: &Scope<'_>, part: &Part<'_>) -> Result<HttpRoute, Fault> {
    let (method, path) = route_key(&part.fields)?;
    let integration = integration(scope, part)?;
    // CloudFormation takes an absent one for 1.0, whose events are different.
    if integration.one_of("PayloadFormatVersion", &["2.0"])?.is_none() {
        return Err(integration.missing("PayloadFormatVersion"));
    }
    if let Some(node) = integration.node("TimeoutInMillis")? {
        let sentence = "`TimeoutInMillis` of an HTTP API is not supported: a function has the default, 30 s";
        return Err(Fault::invalid(node.line, sentence));
    }
    let authorizer = match authorizer(scope, part, &[("JWT", "JWT"), ("CUSTOM", "REQUEST")])? {
        Some(Part { fields, .. }) if fields.text("AuthorizerType")?.as_deref() == Some("JWT") => {
            let scopes = part.fields.texts("AuthorizationScopes")?;
            Some(HttpAuthorizer::Jwt { authorizer: jwt_authorizer(&fields)?, scopes })
        }
        Some(part) => Some(HttpAuthorizer::Lambda(lambda_authorizer(scope, &part)?)),
        None => None,
    };
    Ok(HttpRoute { method, path, function: function(scope, &integration, "IntegrationUri")?, authorizer })
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

fn lambda_authorizer(scope: &Scope<'_>, part: &Part<'_>) -> Result<LambdaAuthorizer, Fault> {
    let fields = &part.fields;
    let ttl = fields.number("AuthorizerResultTtlInSeconds", http_authorizers::RESULT_TTL)?.unwrap_or_default();
    let authorizer = LambdaAuthorizer {
        name: part.resource.id.clone(),
        function: function(scope, fields, "AuthorizerUri")?,
        format: http_authorizers::format(fields)?,
        identity_sources: fields.texts("IdentitySource")?,
        result_ttl: Duration::from_secs(ttl),
    };
    http_authorizers::check(authorizer, fields.line("IdentitySource"))
}

fn jwt_authorizer(authorizer: &Fields<'_>) -> Result<JwtAuthorizer, Fault> {
    let jwt = authorizer.object("JwtConfiguration", &JWT)?.ok_or_else(|| authorizer.missing("JwtConfiguration"))?;
    let (audience, line) = (jwt.texts("Audience")?, authorizer.line("IdentitySource"));
    if audience.is_empty() {
        return Err(jwt.missing("Audience"));
    }
    let [identity_source] = <[String; 1]>::try_from(authorizer.texts("IdentitySource")?)
        .map_err(|_| Fault::invalid(line, "a JWT authorizer has one `IdentitySource`"))?;
    let identity_source = http_authorizers::token_source(identity_source, line)?;
    Ok(JwtAuthorizer { issuer: jwt.required("Issuer")?, audience, identity_source })
}
