//! `CorsConfiguration` of an HTTP API.

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::Cors;
use super::super::scope::Scope;
use super::super::shape::Shape;
use super::super::yaml::Value;

pub(super) const KEY: &str = "CorsConfiguration";

const SHAPE: Shape = Shape {
    place: "`CorsConfiguration`",
    supported: &["AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders", "MaxAge"],
    ignored: &[],
};

const ANY: &str = "*";

/// Reads the configuration of an API. `true`, which SAM takes, allows every origin.
pub(super) fn read(scope: &Scope<'_>, api: &Fields<'_>) -> Result<Option<Cors>, Fault> {
    let Some(node) = api.node(KEY)? else {
        return Ok(None);
    };
    if !matches!(node.value, Value::Map(_)) {
        let everyone = Cors { allow_origins: vec![ANY.to_owned()], ..Cors::default() };
        return Ok(api.boolean(KEY)?.unwrap_or_default().then_some(everyone));
    }
    let Some(fields) = Fields::open(scope, node, &SHAPE)? else {
        return Ok(None);
    };
    let cors = Cors {
        allow_origins: fields.texts("AllowOrigins")?,
        allow_methods: fields.texts("AllowMethods")?,
        allow_headers: fields.texts("AllowHeaders")?,
        expose_headers: fields.texts("ExposeHeaders")?,
        // Limits of <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid.html>; -1 turns caching off.
        max_age: fields.number("MaxAge", -1..=86_400)?,
        allow_credentials: fields.boolean("AllowCredentials")?.unwrap_or_default(),
    };
    if cors.allow_credentials && cors.allow_origins.iter().any(|origin| origin == ANY) {
        let sentence = "API Gateway refuses `AllowCredentials` together with the origin `*`";
        return Err(Fault::invalid(fields.line("AllowCredentials"), sentence));
    }
    Ok(Some(cors))
}
