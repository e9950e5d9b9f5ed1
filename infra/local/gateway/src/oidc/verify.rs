//! Verifies tokens by the rules of API Gateway's JWT authorizers.
//!
//! The rules and their order are those of
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>. API Gateway fetches the
//! key from the authorizer's issuer; here every token is checked against the local key, whatever the issuer.

use jsonwebtoken::{Algorithm, Validation, decode, decode_header, get_current_timestamp};
use local_template::model::JwtAuthorizer;
use serde_json::{Map, Value};

use super::Issuer;

/// Reasons for which a token is refused. The text is what API Gateway would put into `error_description`. Its wording is
/// documented for the audience and was observed for the malformed token; the others are in its manner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of base64url.
    #[error("token contains an invalid number of segments")]
    Malformed,
    /// Not RS256, RS384 or RS512.
    #[error("signing method is invalid")]
    Algorithm,
    /// No `kid`, or not one of the issuer's.
    #[error("no key of the issuer matches the token's kid")]
    UnknownKey,
    /// The signature is another's, or the claims are not a JSON object.
    #[error("signature is invalid")]
    Signature,
    /// `iss` is not the authorizer's issuer.
    #[error("issuer does not match")]
    Issuer,
    /// Neither `aud` nor, where `aud` is missing, `client_id` is one of the authorizer's audiences.
    #[error("the token does not have a valid audience")]
    Audience,
    /// `exp` is missing or has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` is in the future.
    #[error("the token was used before it was issued")]
    IssuedInTheFuture,
}

impl Issuer {
    /// Checks a token for an authorizer and returns its claims. There is no leeway for clocks.
    pub fn verify(&self, token: &str, authorizer: &JwtAuthorizer) -> Result<Map<String, Value>, TokenError> {
        if token.split('.').count() != 3 {
            return Err(TokenError::Malformed);
        }
        let claims = self.verify_signature(token)?;
        verify_claims(&claims, authorizer, get_current_timestamp())?;
        Ok(claims)
    }

    fn verify_signature(&self, token: &str) -> Result<Map<String, Value>, TokenError> {
        // A header that cannot be read names no algorithm that is supported either.
        let header = decode_header(token).map_err(|_| TokenError::Algorithm)?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512) {
            return Err(TokenError::Algorithm);
        }
        if header.kid.as_deref() != Some(&self.key().id) {
            return Err(TokenError::UnknownKey);
        }
        // The claims are checked below, in API Gateway's order and with its errors.
        let mut validation = Validation::new(header.alg);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        decode(token, &self.key().decoding, &validation)
            .map(|data| data.claims)
            // In every case it is not a token that this key signed.
            .map_err(|_| TokenError::Signature)
    }
}

fn verify_claims(claims: &Map<String, Value>, authorizer: &JwtAuthorizer, now: u64) -> Result<(), TokenError> {
    #[allow(clippy::cast_precision_loss, reason = "JWT allows fractions, and seconds fit f64 for millions of years")]
    let now = now as f64;
    let date = |name: &str| claims.get(name).map(Value::as_f64);

    if claims.get("iss").and_then(Value::as_str) != Some(&authorizer.issuer) {
        return Err(TokenError::Issuer);
    }
    let for_us = |value: &Value| value.as_str().is_some_and(|name| authorizer.audience.iter().any(|ours| ours == name));
    let audience_matches = match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().any(for_us),
        Some(one) => for_us(one),
        None => claims.get("client_id").is_some_and(for_us),
    };
    if !audience_matches {
        return Err(TokenError::Audience);
    }
    if !date("exp").flatten().is_some_and(|exp| exp > now) {
        return Err(TokenError::Expired);
    }
    if date("nbf").is_some_and(|nbf| nbf.is_none_or(|nbf| nbf > now)) {
        return Err(TokenError::NotYetValid);
    }
    if date("iat").is_some_and(|iat| iat.is_none_or(|iat| iat > now)) {
        return Err(TokenError::IssuedInTheFuture);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    use super::*;
    use crate::oidc::TokenRequest;
    use local_template::model::{UserPool, UserPoolClient};

    const ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool";

    fn client(id: &str) -> UserPoolClient {
        let access_token_lifetime = std::time::Duration::from_hours(1);
        UserPoolClient { id: id.to_owned(), access_token_lifetime, credentials: None }
    }

    fn issuer() -> Issuer {
        let pool = UserPool {
            logical_id: "Pool".into(),
            id: "us-east-1_pool".into(),
            issuer: ISSUER.into(),
            clients: ["web", "app"].map(client).into(),
        };
        Issuer::load_or_create(None, vec![pool]).unwrap()
    }

    fn authorizer() -> JwtAuthorizer {
        JwtAuthorizer {
            issuer: ISSUER.into(),
            audience: vec!["web".into()],
            identity_source: "$request.header.Authorization".into(),
        }
    }

    fn refusal(issuer: &Issuer, claims: &Value) -> Option<TokenError> {
        let claims = claims.as_object().unwrap().clone();
        let token = issuer.issue(&TokenRequest { claims, ..TokenRequest::for_user("alice") }).unwrap();
        issuer.verify(&token.access_token, &authorizer()).err()
    }

    #[test]
    fn a_token_of_the_pool_is_accepted_with_its_claims() {
        let issuer = issuer();
        let token = issuer.issue(&TokenRequest::for_user("alice")).unwrap();
        let claims = issuer.verify(&token.access_token, &authorizer()).unwrap();
        assert_eq!(claims["sub"], "alice");
        assert_eq!(claims["iss"], ISSUER);
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
    }

    #[test]
    fn each_claim_is_checked() {
        let issuer = issuer();
        let later = get_current_timestamp() + 600;
        for (claims, expected) in [
            (json!({ "iss": "https://elsewhere.example" }), Some(TokenError::Issuer)),
            (json!({ "iss": null }), Some(TokenError::Issuer)),
            (json!({ "aud": "app" }), Some(TokenError::Audience)),
            (json!({ "aud": ["app", "web"] }), None),
            // `client_id` counts only where `aud` is missing.
            (json!({ "aud": "app", "client_id": "web" }), Some(TokenError::Audience)),
            (json!({ "aud": null, "client_id": "web" }), None),
            (json!({ "aud": null, "client_id": null }), Some(TokenError::Audience)),
            (json!({ "exp": null }), Some(TokenError::Expired)),
            (json!({ "exp": get_current_timestamp() }), Some(TokenError::Expired)),
            (json!({ "nbf": later }), Some(TokenError::NotYetValid)),
            (json!({ "nbf": 1 }), None),
            (json!({ "iat": later }), Some(TokenError::IssuedInTheFuture)),
            (json!({ "iat": "soon" }), Some(TokenError::IssuedInTheFuture)),
        ] {
            assert_eq!(refusal(&issuer, &claims), expected, "{claims}");
        }
    }

    #[test]
    fn a_negative_lifetime_gives_an_expired_token() {
        let issuer = issuer();
        let request = TokenRequest { expires_in: Some(-1), ..TokenRequest::for_user("alice") };
        let token = issuer.issue(&request).unwrap();
        assert_eq!(issuer.verify(&token.access_token, &authorizer()), Err(TokenError::Expired));
    }

    #[test]
    fn only_rsa_signatures_of_the_issuers_own_key_count() {
        let issuer = issuer();
        let token = issuer.issue(&TokenRequest::for_user("alice")).unwrap().access_token;
        let claims = issuer.verify(&token, &authorizer()).unwrap();
        let with_kid = |header: Header| Header { kid: Some(issuer.key().id.clone()), ..header };

        let secret = EncodingKey::from_secret(b"secret");
        let hs256 = jsonwebtoken::encode(&with_kid(Header::new(Algorithm::HS256)), &claims, &secret).unwrap();
        assert_eq!(issuer.verify(&hs256, &authorizer()), Err(TokenError::Algorithm));

        let foreign = super::super::key::SigningKey::generate().unwrap();
        let own_kid = jsonwebtoken::encode(&foreign.header(), &claims, &foreign.encoding).unwrap();
        assert_eq!(issuer.verify(&own_kid, &authorizer()), Err(TokenError::UnknownKey));
        let our_kid =
            jsonwebtoken::encode(&with_kid(Header::new(Algorithm::RS256)), &claims, &foreign.encoding).unwrap();
        assert_eq!(issuer.verify(&our_kid, &authorizer()), Err(TokenError::Signature));

        let rs512 =
            jsonwebtoken::encode(&with_kid(Header::new(Algorithm::RS512)), &claims, &issuer.key().encoding).unwrap();
        assert!(issuer.verify(&rs512, &authorizer()).is_ok());
        assert_eq!(issuer.verify("not-a-token", &authorizer()), Err(TokenError::Malformed));
        assert_eq!(issuer.verify("a.b.c", &authorizer()), Err(TokenError::Algorithm));
    }
}
