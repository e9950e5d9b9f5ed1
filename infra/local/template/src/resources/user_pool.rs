//! `AWS::Cognito::UserPool` and its clients, played by the local issuer.

use super::super::error::Fault;
use super::super::model::UserPool;
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
    supported: &["UserPoolId"],
    ignored: &[
        (
            &[
                "AccessTokenValidity",
                "AllowedOAuthFlows",
                "AllowedOAuthFlowsUserPoolClient",
                "AllowedOAuthScopes",
                "AuthSessionValidity",
                "CallbackURLs",
                "DefaultRedirectURI",
                "EnablePropagateAdditionalUserContextData",
                "EnableTokenRevocation",
                "ExplicitAuthFlows",
                "GenerateSecret",
                "IdTokenValidity",
                "LogoutURLs",
                "PreventUserExistenceErrors",
                "ReadAttributes",
                "RefreshTokenRotation",
                "RefreshTokenValidity",
                "SupportedIdentityProviders",
                "TokenValidityUnits",
                "WriteAttributes",
            ],
            "the local issuer gives a token to any user name and has no other flow",
        ),
        (&["AnalyticsConfiguration"], "there are no metrics locally"),
        (&["ClientName"], "for people"),
    ],
};

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
        if scope.exists(client)? && client.fields(scope, &CLIENT)?.required("UserPoolId")? == pool_id {
            clients.push(client.id.clone());
        }
    }
    Ok(UserPool {
        logical_id: resource.id.clone(),
        id: pool_id,
        issuer: format!("https://{}", provider_name(scope, resource)),
        clients,
    })
}
