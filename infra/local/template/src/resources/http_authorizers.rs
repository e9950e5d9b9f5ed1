//! `Auth.Authorizers` of `AWS::Serverless::HttpApi`, and what every authorizer of an HTTP API has to be.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::{AuthorizerFormat, HttpAuthorizer, JwtAuthorizer, LambdaAuthorizer};
use super::super::resource::Kind;
use super::super::scope::Scope;
use super::super::shape::Shape;

const AUTHORIZER: Shape = Shape {
    place: "an authorizer of an HTTP API",
    supported: &[
        "AuthorizationScopes",
        "AuthorizerPayloadFormatVersion",
        "EnableSimpleResponses",
        "FunctionArn",
        "Identity",
        "IdentitySource",
        "JwtConfiguration",
    ],
    ignored: &[(&["EnableFunctionDefaultPermissions", "FunctionInvokeRole"], "IAM is not enforced")],
};

const JWT: Shape = Shape { place: "`JwtConfiguration`", supported: &["audience", "issuer"], ignored: &[] };

const IDENTITY: Shape = Shape {
    place: "`Identity` of a Lambda authorizer",
    supported: &["Context", "Headers", "QueryStrings", "ReauthorizeEvery"],
    ignored: &[],
};

/// Seconds that API Gateway keeps a result: at most an hour.
pub(super) const RESULT_TTL: std::ops::RangeInclusive<u64> = 0..=3600;

const HEADER: &str = "$request.header.";
const QUERY_STRING: &str = "$request.querystring.";
const ROUTE_KEY: &str = "$context.routeKey";

/// The authorizers of an API by their names.
pub(super) fn read_all(scope: &Scope<'_>, auth: &Fields<'_>) -> Result<BTreeMap<String, HttpAuthorizer>, Fault> {
    let mut authorizers = BTreeMap::new();
    for (entry, node) in auth.entries("Authorizers")? {
        let Some(fields) = Fields::open(scope, node, &AUTHORIZER)? else {
            continue;
        };
        let authorizer = if fields.node("FunctionArn")?.is_some() {
            HttpAuthorizer::Lambda(lambda(scope, &entry.key, &fields)?)
        } else {
            HttpAuthorizer::Jwt { authorizer: jwt(&fields)?, scopes: fields.texts("AuthorizationScopes")? }
        };
        authorizers.insert(entry.key.clone(), authorizer);
    }
    Ok(authorizers)
}

fn jwt(fields: &Fields<'_>) -> Result<JwtAuthorizer, Fault> {
    let jwt = fields.object("JwtConfiguration", &JWT)?.ok_or_else(|| fields.missing("JwtConfiguration"))?;
    let audience = jwt.texts("audience")?;
    if audience.is_empty() {
        return Err(jwt.missing("audience"));
    }
    let identity_source = token_source(fields.required("IdentitySource")?, fields.line("IdentitySource"))?;
    Ok(JwtAuthorizer { issuer: jwt.required("issuer")?, audience, identity_source })
}

fn lambda(scope: &Scope<'_>, name: &str, fields: &Fields<'_>) -> Result<LambdaAuthorizer, Fault> {
    let arn = fields.required("FunctionArn")?;
    let function = scope.find(Kind::Function, "Arn", &arn, fields.line("FunctionArn"))?.id.clone();
    let (mut identity_sources, mut ttl) = (Vec::new(), 0);
    if let Some(identity) = fields.object("Identity", &IDENTITY)? {
        for (key, prefix) in [("Headers", HEADER), ("QueryStrings", QUERY_STRING), ("Context", "$context.")] {
            identity_sources.extend(identity.texts(key)?.into_iter().map(|name| format!("{prefix}{name}")));
        }
        ttl = identity.number("ReauthorizeEvery", RESULT_TTL)?.unwrap_or_default();
    }
    let authorizer = LambdaAuthorizer {
        name: name.to_owned(),
        function,
        format: format(fields)?,
        identity_sources,
        result_ttl: Duration::from_secs(ttl),
    };
    check(authorizer, fields.line("Identity"))
}

/// The payload format, which has no default.
pub(super) fn format(fields: &Fields<'_>) -> Result<AuthorizerFormat, Fault> {
    const VERSION: &str = "AuthorizerPayloadFormatVersion";
    let simple = fields.boolean("EnableSimpleResponses")?.unwrap_or_default();
    match fields.one_of(VERSION, &["1.0", "2.0"])?.as_deref() {
        None => Err(fields.missing(VERSION)),
        Some("2.0") if simple => Ok(AuthorizerFormat::TwoSimple),
        Some("2.0") => Ok(AuthorizerFormat::Two),
        Some(_) if simple => {
            let sentence = "`EnableSimpleResponses` needs the payload format 2.0";
            Err(Fault::invalid(fields.line("EnableSimpleResponses"), sentence))
        }
        Some(_) => Ok(AuthorizerFormat::One),
    }
}

/// Refuses what API Gateway refuses, and identity sources that are not looked up locally.
pub(super) fn check(authorizer: LambdaAuthorizer, line: usize) -> Result<LambdaAuthorizer, Fault> {
    let known = |source: &&String| *source == ROUTE_KEY || is_in_request(source);
    if let Some(other) = authorizer.identity_sources.iter().find(|source| !known(source)) {
        let supported = [HEADER, QUERY_STRING, ROUTE_KEY];
        return Err(Fault::unknown_value(line, "the identity source", other, supported));
    }
    if !authorizer.result_ttl.is_zero() && authorizer.identity_sources.is_empty() {
        return Err(Fault::invalid(line, "results can be kept only for an authorizer with identity sources"));
    }
    Ok(authorizer)
}

/// Checks where a JWT authorizer finds its token.
pub(super) fn token_source(expression: String, line: usize) -> Result<String, Fault> {
    if is_in_request(&expression) {
        return Ok(expression);
    }
    let sentence =
        format!("`IdentitySource` is `{HEADER}<name>` or `{QUERY_STRING}<name>`; `{expression}` is not supported");
    Err(Fault::invalid(line, sentence))
}

fn is_in_request(expression: &str) -> bool {
    [HEADER, QUERY_STRING].iter().any(|place| expression.strip_prefix(place).is_some_and(|name| !name.is_empty()))
}
