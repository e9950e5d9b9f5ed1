//! API Gateway over real sockets.

mod http_api;
mod oidc;
mod websocket_api;

use local_gateway::oidc::Issuer;
use local_template::model::{UserPool, UserPoolClient};

const ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool";

fn client(id: &str) -> UserPoolClient {
    let access_token_lifetime = std::time::Duration::from_mins(20);
    UserPoolClient { id: id.to_owned(), access_token_lifetime, credentials: None }
}

/// Returns the issuer of a user pool with the clients `web` and `app`, with a key of its own.
fn issuer() -> Issuer {
    let pool = UserPool {
        logical_id: "Pool".into(),
        id: "us-east-1_pool".into(),
        issuer: ISSUER.into(),
        clients: ["web", "app"].map(client).into(),
    };
    Issuer::load_or_create(None, vec![pool]).unwrap()
}
