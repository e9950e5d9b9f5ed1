//! API Gateway over real sockets.

mod http_api;
mod oidc;
mod websocket_api;

use local_gateway::oidc::Issuer;
use local_template::model::UserPool;

const ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool";

/// Returns the issuer of a user pool with the clients `web` and `app`, with a key of its own.
fn issuer() -> Issuer {
    let pool = UserPool {
        logical_id: "Pool".into(),
        id: "us-east-1_pool".into(),
        issuer: ISSUER.into(),
        clients: vec!["web".into(), "app".into()],
    };
    Issuer::load_or_create(None, vec![pool]).unwrap()
}
