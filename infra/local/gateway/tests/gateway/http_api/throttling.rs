//! Throttling of a route and of the account, as a client sees it.

use local_gateway::throttle::Account;
use local_template::model::RouteLimit;

use super::*;

/// One request, and no other as long as a test lives.
const ONCE: RouteLimit = RouteLimit { rate: 1e-6, burst: 1 };

async fn assert_throttled(response: reqwest::Response) {
    assert_eq!(response.status(), 429);
    assert!(response.headers().contains_key("apigw-requestid"));
    assert_eq!(response.json::<Value>().await.unwrap(), json!({ "message": "Too Many Requests" }));
}

#[tokio::test]
async fn a_request_beyond_its_routes_limit_gets_429_before_anybody_looks_at_its_token() {
    let limited = ["GET /users/{id}".to_owned(), "ANY /echo/{proxy+}".to_owned()].map(|key| (key, ONCE));
    let gateway = Gateway::of(HttpApi { route_limits: limited.into(), ..api() }).await;
    assert_eq!(gateway.get("/users/1").await.status(), 401);
    assert_throttled(gateway.get("/users/2").await).await;
    assert_eq!(gateway.get("/echo/a").await.status(), 200);
    assert_throttled(gateway.get("/echo/b").await).await;
    for _ in 0..2 {
        assert_eq!(gateway.get("/plain").await.status(), 201);
    }
}

#[tokio::test]
async fn the_account_limits_all_routes_together() {
    let gateway = Gateway::within(api(), Account::new(ONCE, ONCE)).await;
    assert_eq!(gateway.get("/plain").await.status(), 201);
    assert_throttled(gateway.get("/echo/a").await).await;
}
