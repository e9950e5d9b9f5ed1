//! Resources of WebSocket APIs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::super::error::Fault;
use super::super::super::model::{RequestAuthorizer, WebSocketApi, WebSocketRoute};
use super::super::super::resource::{Kind, Resource};
use super::super::super::scope::Scope;
use super::super::super::shape::Shape;
use super::super::route_settings::route_limits;
use super::super::websocket_api::{DEFAULT_RESPONSE, TIMEOUT_MILLIS, check_stage, route_selection_expression};
use super::{API_TYPE, Part, ROUTE, authorizer, function, integration, parts, stage};

pub(crate) const API: Shape = Shape {
    place: API_TYPE,
    supported: &["ProtocolType", "RouteSelectionExpression"],
    ignored: &[
        (&["DisableExecuteApiEndpoint", "IpAddressType"], "there are no domain names on loopback"),
        (&["DisableSchemaValidation"], "there are no request models to validate against"),
        (&["FailOnWarnings"], "nothing is imported"),
        (&["Description", "Name", "Tags", "Version"], "for people and bills"),
    ],
};

/// The route that an authorizer guards.
const CONNECT: &str = "$connect";

/// Reads an API with its routes. `responding` are the ids of the routes that have a route response.
pub(in super::super::super) fn read(
    scope: &Scope<'_>,
    api: &Resource,
    responding: &[String],
) -> Result<WebSocketApi, Fault> {
    let fields = api.fields(scope, &API)?;
    let stage_fields = stage(scope, api)?;
    let stage = stage_fields.required("StageName")?;
    check_stage(&stage, stage_fields.line("StageName"))?;
    let mut request_authorizer = None;
    let mut routes = BTreeMap::new();
    for part in parts(scope, Kind::Route, &ROUTE, &api.id)? {
        let key = part.fields.required("RouteKey")?;
        if let Some(found) = request_authorizer_of(scope, &part)? {
            if key != CONNECT {
                let sentence = format!("only the route `{CONNECT}` can have an authorizer");
                return Err(Fault::invalid(part.fields.line("AuthorizationType"), sentence));
            }
            request_authorizer = Some(found);
        }
        let route = route(scope, &part, responding.contains(&part.resource.id))?;
        if routes.insert(key.clone(), route).is_some() {
            return Err(Fault::invalid(part.fields.line("RouteKey"), format!("`{key}` has a function already")));
        }
    }
    let route_limits = route_limits(&stage_fields, routes.keys().map(String::as_str), &BTreeMap::new())?;
    Ok(WebSocketApi {
        logical_id: api.id.clone(),
        api_id: api.id.clone(),
        stage,
        route_selection_expression: route_selection_expression(&fields)?,
        authorizer: request_authorizer,
        routes,
        route_limits,
    })
}

fn route(scope: &Scope<'_>, part: &Part<'_>, has_response: bool) -> Result<WebSocketRoute, Fault> {
    let integration = integration(scope, part)?;
    integration.one_of("PayloadFormatVersion", &["1.0"])?;
    let selects = part.fields.one_of("RouteResponseSelectionExpression", &[DEFAULT_RESPONSE])?.is_some();
    let timeout = integration.number("TimeoutInMillis", TIMEOUT_MILLIS)?.unwrap_or(*TIMEOUT_MILLIS.end());
    Ok(WebSocketRoute {
        function: function(scope, &integration, "IntegrationUri")?,
        responds: selects && has_response,
        timeout: Duration::from_millis(timeout),
    })
}

fn request_authorizer_of(scope: &Scope<'_>, part: &Part<'_>) -> Result<Option<RequestAuthorizer>, Fault> {
    let Some(Part { fields, .. }) = authorizer(scope, part, &[("CUSTOM", "REQUEST")])? else {
        return Ok(None);
    };
    for key in ["AuthorizerPayloadFormatVersion", "AuthorizerResultTtlInSeconds", "EnableSimpleResponses"] {
        if fields.node(key)?.is_some() {
            return Err(Fault::invalid(fields.line(key), format!("`{key}` is for HTTP APIs only")));
        }
    }
    Ok(Some(RequestAuthorizer {
        function: function(scope, &fields, "AuthorizerUri")?,
        identity_sources: fields.texts("IdentitySource")?,
    }))
}
