//! `AWS::Cognito::UserPool` and its clients, played by the local issuer.

use std::time::Duration;

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::{ClientCredentials, UserPool, UserPoolClient};
use super::super::resource::{Kind, Resource};
use super::super::scope::Scope;
use super::super::shape::Shape;

pub(super) const TYPE: &str = "AWS::Cognito::UserPool";
pub(super) const CLIENT_TYPE: &str = "AWS::Cognito::UserPoolClient";

/// `LambdaConfig` is left out on purpose: the local issuer calls no triggers.
pub(super) const SHAPE: Shape = Shape {
    place: TYPE,
    supported: &[],
    ignored: &[
        (
            &[
                "AccountRecoverySetting",
                "AdminCreateUserConfig",
                "AliasAttributes",
                "AutoVerifiedAttributes",
                "DeviceConfiguration",
                "EmailConfiguration",
                "EmailVerificationMessage",
                "EmailVerificationSubject",
                "EnabledMfas",
                "MfaConfiguration",
                "Policies",
                "Schema",
                "SmsAuthenticationMessage",
                "SmsConfiguration",
                "SmsVerificationMessage",
                "UserAttributeUpdateSettings",
                "UserPoolAddOns",
                "UsernameAttributes",
                "UsernameConfiguration",
                "VerificationMessageTemplate",
                "WebAuthnRelyingPartyID",
                "WebAuthnUserVerification",
            ],
            "the local issuer gives a token to any user name and has no sign-up",
        ),
        (&["DeletionProtection"], "stacks are not deleted locally"),
        (&["UserPoolName", "UserPoolTags", "UserPoolTier"], "for people and bills"),
    ],
};

pub(super) const CLIENT: Shape = Shape {
    place: CLIENT_TYPE,
    supported: &[
        "AccessTokenValidity",
        "AllowedOAuthFlows",
        "AllowedOAuthFlowsUserPoolClient",
        "AllowedOAuthScopes",
        "GenerateSecret",
        "TokenValidityUnits",
        "UserPoolId",
    ],
    ignored: &[
        (
            &[
                "AuthSessionValidity",
                "CallbackURLs",
                "DefaultRedirectURI",
                "EnablePropagateAdditionalUserContextData",
                "EnableTokenRevocation",
                "ExplicitAuthFlows",
                "IdTokenValidity",
                "LogoutURLs",
                "PreventUserExistenceErrors",
                "ReadAttributes",
                "RefreshTokenRotation",
                "RefreshTokenValidity",
                "SupportedIdentityProviders",
                "WriteAttributes",
            ],
            "the local issuer gives a token to any user name and has no login page",
        ),
        (&["AnalyticsConfiguration"], "there are no metrics locally"),
        (&["ClientName"], "for people"),
    ],
};

const UNITS: Shape = Shape {
    place: "`TokenValidityUnits`",
    supported: &["AccessToken"],
    ignored: &[(&["IdToken", "RefreshToken"], "the local issuer gives access tokens only")],
};

/// Cognito's limits of the lifetime of access tokens in seconds: five minutes and a day.
const LIFETIME_SECONDS: std::ops::RangeInclusive<u64> = 300..=86_400;

pub(super) const ATTRIBUTES: &[&str] = &["Arn", "ProviderName", "ProviderURL", "UserPoolId"];

pub(super) fn id(scope: &Scope<'_>, resource: &Resource) -> String {
    format!("{}_{}", scope.addresses.region, resource.id)
}

pub(super) fn attribute(scope: &Scope<'_>, resource: &Resource, attribute: &str) -> Option<String> {
    match attribute {
        "Arn" => Some(scope.arn("cognito-idp", &format!("userpool/{}", id(scope, resource)))),
        "ProviderName" => Some(provider_name(scope, resource)),
        "ProviderURL" => Some(format!("https://{}", provider_name(scope, resource))),
        "UserPoolId" => Some(id(scope, resource)),
        _ => None,
    }
}

fn provider_name(scope: &Scope<'_>, resource: &Resource) -> String {
    format!("cognito-idp.{}.amazonaws.com/{}", scope.addresses.region, id(scope, resource))
}

/// Reads a pool and finds its clients.
pub(crate) fn read(scope: &Scope<'_>, resource: &Resource) -> Result<UserPool, Fault> {
    let pool_id = id(scope, resource);
    let mut clients = Vec::new();
    for client in scope.template.resources.iter().filter(|client| client.kind == Kind::UserPoolClient) {
        if !scope.exists(client)? {
            continue;
        }
        let fields = client.fields(scope, &CLIENT)?;
        if fields.required("UserPoolId")? == pool_id {
            clients.push(UserPoolClient {
                id: client.id.clone(),
                access_token_lifetime: lifetime(&fields)?,
                credentials: credentials(&client.id, &fields)?,
            });
        }
    }
    Ok(UserPool {
        logical_id: resource.id.clone(),
        id: pool_id,
        issuer: format!("https://{}", provider_name(scope, resource)),
        clients,
    })
}

/// The flow of programs.
const CLIENT_CREDENTIALS: &str = "client_credentials";

/// Reads how programs get tokens; `None` for a client without that flow. Cognito demands a secret and scopes for it, and no other
/// flow beside it: <https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoint-oauth-grants.html>.
fn credentials(id: &str, client: &Fields<'_>) -> Result<Option<ClientCredentials>, Fault> {
    let flows = client.texts("AllowedOAuthFlows")?;
    let (is_on, has_secret) = (client.boolean("AllowedOAuthFlowsUserPoolClient")?, client.boolean("GenerateSecret")?);
    let scopes = client.texts("AllowedOAuthScopes")?;
    if is_on != Some(true) || !flows.iter().any(|flow| flow == CLIENT_CREDENTIALS) {
        return Ok(None);
    }
    if flows.len() > 1 || has_secret != Some(true) || scopes.is_empty() {
        let sentence = "`client_credentials` is the only flow of its client, which has a secret and scopes";
        return Err(Fault::invalid(client.line("AllowedOAuthFlows"), sentence));
    }
    Ok(Some(ClientCredentials { secret: format!("secret-of-{id}"), scopes }))
}

/// Lifetime of a client's access tokens:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cognito-userpoolclient.html>.
fn lifetime(client: &Fields<'_>) -> Result<Duration, Fault> {
    let units = client.object("TokenValidityUnits", &UNITS)?;
    let unit = units.as_ref().map(|units| units.one_of("AccessToken", &["seconds", "minutes", "hours", "days"]));
    let seconds = match unit.transpose()?.flatten().as_deref() {
        Some("seconds") => 1,
        Some("minutes") => 60,
        Some("days") => 86_400,
        _ => 3600,
    };
    let number = client.number("AccessTokenValidity", 1..=*LIFETIME_SECONDS.end())?;
    match number.map(|number| number.saturating_mul(seconds)) {
        None => Ok(Duration::from_hours(1)),
        Some(lifetime) if LIFETIME_SECONDS.contains(&lifetime) => Ok(Duration::from_secs(lifetime)),
        Some(_) => {
            let sentence =
                "`AccessTokenValidity` must be from 5 minutes to a day, in hours unless `TokenValidityUnits` says";
            Err(Fault::invalid(client.line("AccessTokenValidity"), sentence))
        }
    }
}
