//! The user and connection of a WebSocket event.

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequestContext;
use domain::{ApiError, ErrorCode, Timestamp, UserId};
use serde_json::Value;

/// The user and connection of an event, from the context that the authorizer returned for the handshake. API Gateway repeats it
/// in every event of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user_id: UserId,
    /// End of the token, in epoch seconds.
    pub exp: i64,
    /// API Gateway's id of the connection.
    pub connection_id: String,
    /// Id of the invocation in the log.
    pub request_id: String,
}

impl Caller {
    /// Refuses events without the authorizer's context: no route may be open by accident.
    pub(super) fn new(context: &ApiGatewayWebsocketProxyRequestContext, request_id: &str) -> Result<Self, ApiError> {
        // API Gateway turns every value of the context into text.
        let text = |name: &str| context.authorizer.fields.get(name).and_then(Value::as_str);
        let user_id = text("user_id").and_then(|id| id.parse().ok());
        let exp = text("exp").and_then(|exp| exp.parse().ok());
        match (user_id, exp, context.connection_id.clone()) {
            (Some(user_id), Some(exp), Some(connection_id)) => {
                Ok(Self { user_id, exp, connection_id, request_id: request_id.to_owned() })
            }
            _ => Err(ApiError::new(ErrorCode::Unauthorized, "A valid token is required.")),
        }
    }

    /// Refuses frames after the token has expired.
    pub(super) fn check_expiry(&self, now: Timestamp) -> Result<(), ApiError> {
        if now.epoch_seconds() < self.exp {
            Ok(())
        } else {
            Err(ApiError::new(ErrorCode::TokenExpired, "The token has expired. Connect again with a new token."))
        }
    }
}
