//! Authorizer of WebSocket handshakes.
//!
//! Connections are for users: a server token is denied.
//!
//! A REQUEST authorizer without identity sources (several would all be required): browsers cannot set headers on a WebSocket,
//! so the token may be in one of three places. A handshake without a valid token is denied, which API Gateway answers with 403;
//! a failure refuses the connection as well.

mod keys;
mod serve;
mod verify;

use aws_lambda_events::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest as Event;
use domain::Timestamp;
use lambda_kit::token;
use serde_json::{Value, json};

pub use keys::{KeyError, Keys};
pub use serve::serve;
pub use verify::{Expected, TokenError, Verified, Verifier};

/// The subprotocol that clients offer in front of their token.
const SUBPROTOCOL: &str = "bearer";

/// Returns the policy for the handshake. With a valid token it puts `user_id` and `exp` into every later event of the
/// connection.
pub async fn handle(verifier: &Verifier, event: &Event) -> Result<Value, KeyError> {
    let verdict = match find_token(event) {
        Some(token) => verifier.verify(token, Timestamp::now()).await,
        None => Err(TokenError::Invalid("no token")),
    };
    match verdict {
        Ok(Verified { user_id, exp }) => {
            let mut answer = policy(event, "Allow", &user_id.to_string());
            answer["context"] = json!({"user_id": user_id, "exp": exp.to_string()});
            Ok(answer)
        }
        Err(TokenError::Invalid(reason)) => {
            tracing::info!(reason, "a handshake was refused");
            Ok(policy(event, "Deny", "nobody"))
        }
        Err(TokenError::Keys(error)) => Err(error),
    }
}

fn policy(event: &Event, effect: &str, principal: &str) -> Value {
    json!({
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": event.method_arn}],
        },
    })
}

/// The token from `Authorization`, else from the subprotocols `bearer, <token>`, else from `?token=`.
fn find_token(event: &Event) -> Option<&str> {
    let header = |name: &str| event.headers.get(name).and_then(|value| value.to_str().ok());
    let from_authorization = || token::of_authorization(header("authorization")?);
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
            (json!({"Authorization": "a.b.c"}), json!({})),
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
