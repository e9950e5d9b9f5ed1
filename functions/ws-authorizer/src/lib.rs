//! Authorizer of WebSocket handshakes.
//!
//! A REQUEST authorizer without identity sources (several would all be required): browsers cannot set headers on a WebSocket,
//! so the token may be in one of three places. A handshake without a valid token fails with `Unauthorized`, which API Gateway
//! answers with 401; any other failure refuses the connection as well.

mod keys;
mod token;

use aws_lambda_events::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest as Event;
use domain::UserId;
use serde_json::{Value, json};

pub use keys::{KeyError, Keys};
pub use token::{Claims, TokenError, Verifier};

/// The subprotocol that clients offer in front of their token.
const SUBPROTOCOL: &str = "bearer";

/// Reasons for which a handshake is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// API Gateway answers 401 to this very text, and 500 to any other.
    #[error("Unauthorized")]
    Unauthorized,
    /// The issuer's keys cannot be had.
    #[error("the issuer's keys cannot be read")]
    Keys(#[from] KeyError),
}

/// Verifies the handshake's token; the answer puts `user_id` and `exp` into every later event of the connection.
pub async fn handle(verifier: &Verifier, event: &Event) -> Result<Value, Refusal> {
    let token = find_token(event).ok_or(Refusal::Unauthorized)?;
    let claims = verifier.verify(token).await.map_err(|error| match error {
        TokenError::Keys(error) => Refusal::Keys(error),
        TokenError::Invalid(reason) => {
            tracing::info!(reason, "a handshake was refused");
            Refusal::Unauthorized
        }
    })?;
    let user_id = UserId::from_token(&claims.iss, &claims.sub);
    Ok(json!({
        "principalId": user_id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": event.method_arn}],
        },
        "context": {"user_id": user_id, "exp": claims.exp.to_string()},
    }))
}

/// The token from `Authorization: Bearer`, else from the subprotocols `bearer, <token>`, else from `?token=`.
fn find_token(event: &Event) -> Option<&str> {
    let header = |name: &str| event.headers.get(name).and_then(|value| value.to_str().ok());
    let from_authorization = || {
        let (scheme, token) = header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    };
    let from_subprotocol = || {
        let mut offered = header("sec-websocket-protocol")?.split(',').map(str::trim);
        (offered.next()? == SUBPROTOCOL).then(|| offered.next())?
    };
    let from_query = || event.query_string_parameters.first("token");
    from_authorization().or_else(from_subprotocol).or_else(from_query).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(headers: &Value, query: &Value) -> Event {
        let event = json!({
            "type": "REQUEST",
            "methodArn": "arn:aws:execute-api:us-east-1:000000000000:api/default/$connect",
            "headers": headers,
            "queryStringParameters": query,
            "requestContext": {"identity": {}},
        });
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn token_is_accepted_in_header_subprotocol_or_query() {
        for (headers, query) in [
            (json!({"Authorization": "Bearer a.b.c"}), json!({})),
            (json!({"Sec-WebSocket-Protocol": "bearer, a.b.c"}), json!({})),
            (json!({}), json!({"token": "a.b.c"})),
        ] {
            assert_eq!(find_token(&event(&headers, &query)), Some("a.b.c"));
        }
    }

    #[test]
    fn other_headers_and_empty_tokens_are_ignored() {
        for (headers, query) in [
            (json!({}), json!({})),
            (json!({"Authorization": "Basic a.b.c"}), json!({})),
            (json!({"Sec-WebSocket-Protocol": "chat, a.b.c"}), json!({})),
            (json!({"Sec-WebSocket-Protocol": "bearer"}), json!({})),
            (json!({}), json!({"token": ""})),
        ] {
            assert_eq!(find_token(&event(&headers, &query)), None, "{headers} {query}");
        }
    }
}
