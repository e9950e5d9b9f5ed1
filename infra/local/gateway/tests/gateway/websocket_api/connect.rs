//! Handshakes, and the events of authorizers and `$connect`.

use std::time::Duration;

use aws_lambda_events::apigw::{ApiGatewayCustomAuthorizerRequestTypeRequest, ApiGatewayWebsocketProxyRequest};
use local_lambda::InvokeError;
use serde_json::{Value, json};

use crate::websocket_api::harness::{Plan, allow, function_error, ok, payload, policy};

/// The names of an object's fields.
fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn connect_gets_the_handshake() {
    let mut api = Plan::new().route("$connect", |_| async { ok() }).start().await;
    let response = api.handshake("/prod?a=1&a=2&b=x%20y", &[("User-Agent", "test/1"), ("X-Two", "2")]).await;
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");

    let event = api.event_of("$connect").await;
    serde_json::from_value::<ApiGatewayWebsocketProxyRequest>(event.clone()).unwrap();
    // The set of fields is that of recorded events.
    assert_eq!(
        fields(&event),
        [
            "headers",
            "isBase64Encoded",
            "multiValueHeaders",
            "multiValueQueryStringParameters",
            "queryStringParameters",
            "requestContext"
        ]
    );
    assert_eq!(event["queryStringParameters"], json!({ "a": "2", "b": "x y" }));
    assert_eq!(event["multiValueQueryStringParameters"], json!({ "a": ["1", "2"], "b": ["x y"] }));
    assert_eq!(event["headers"]["X-Two"], "2");
    assert_eq!(event["headers"]["Sec-WebSocket-Version"], "13");
    assert_eq!(event["multiValueHeaders"]["X-Forwarded-For"], json!(["127.0.0.1"]));
    assert_eq!(event["headers"]["X-Forwarded-Port"], api.address.port().to_string());
    assert_eq!(event["headers"]["Upgrade"], Value::Null);
    assert_eq!(event["headers"]["Connection"], Value::Null);

    let context = &event["requestContext"];
    assert_eq!(
        fields(context),
        [
            "apiId",
            "connectedAt",
            "connectionId",
            "domainName",
            "eventType",
            "extendedRequestId",
            "identity",
            "messageDirection",
            "requestId",
            "requestTime",
            "requestTimeEpoch",
            "routeKey",
            "stage"
        ]
    );
    assert_eq!(context["routeKey"], "$connect");
    assert_eq!(context["eventType"], "CONNECT");
    assert_eq!(context["messageDirection"], "IN");
    assert_eq!(context["stage"], "prod");
    assert_eq!(context["apiId"], "abc123");
    assert_eq!(context["domainName"], api.address.to_string());
    assert_eq!(context["identity"], json!({ "sourceIp": "127.0.0.1", "userAgent": "test/1" }));
    assert_eq!(context["connectedAt"], context["requestTimeEpoch"]);
    assert_eq!(context["requestId"], context["extendedRequestId"]);
    assert!(context["connectionId"].as_str().unwrap().ends_with('='));
    assert_ne!(context["connectionId"], context["requestId"]);
}

#[tokio::test]
async fn a_handshake_without_query_has_no_parameters() {
    let mut api = Plan::new().route("$connect", |_| async { ok() }).start().await;
    let _client = api.connect().await;
    assert_eq!(
        fields(&api.event_of("$connect").await),
        ["headers", "isBase64Encoded", "multiValueHeaders", "requestContext"]
    );
}

#[tokio::test]
async fn an_api_without_connect_route_lets_everyone_in() {
    let plan = Plan::new().two_way("$default", |_| async { payload(&json!({ "statusCode": 200, "body": "hi" })) });
    let api = plan.start().await;
    let mut client = api.connect().await;
    client.send_text("x").await;
    assert_eq!(client.text().await, "hi");
}

#[tokio::test]
async fn other_paths_are_forbidden() {
    let mut api = Plan::new().route("$connect", |_| async { ok() }).start().await;
    for path in ["/", "/dev", "/production", "/prod/x", "/pro"] {
        let response = api.handshake(path, &[]).await;
        assert_eq!(response.status(), 403, "{path}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(fields(&body), ["connectionId", "message", "requestId"]);
        assert_eq!(body["message"], "Forbidden");
    }
    api.assert_no_event();
}

#[tokio::test]
async fn a_request_that_is_no_handshake_is_refused() {
    let mut api = Plan::new().route("$connect", |_| async { ok() }).start().await;
    let response = reqwest::get(format!("http://{}/prod", api.address)).await.unwrap();
    assert_eq!(response.status(), 403);
    api.assert_no_event();
}

#[tokio::test]
async fn connects_status_is_the_handshakes() {
    let status =
        |status: u16| Plan::new().route("$connect", move |_| async move { payload(&json!({ "statusCode": status })) });
    for (answered, expected) in [(200, 101), (204, 101), (401, 401), (403, 403), (500, 500), (302, 302)] {
        let api = status(answered).start().await;
        assert_eq!(api.handshake("/prod", &[]).await.status(), expected, "{answered}");
    }
}

#[tokio::test]
async fn a_connect_that_fails_is_a_bad_gateway() {
    for plan in [
        Plan::new().route("$connect", |_| async { function_error("no") }),
        Plan::new().route("$connect", |_| async { payload(&json!({})) }),
        Plan::new().route("$connect", |_| async { Err(InvokeError::Throttled) }),
    ] {
        let api = plan.start().await;
        let response = api.handshake("/prod", &[]).await;
        assert_eq!(response.status(), 502);
        assert_eq!(response.json::<Value>().await.unwrap()["message"], "Internal server error");
        assert_eq!(api.stats.connections(), 0);
    }
    let slow = Plan::new().route("$connect", |_| std::future::pending()).timeout("$connect", Duration::from_millis(1));
    assert_eq!(slow.start().await.handshake("/prod", &[]).await.status(), 504);
}

#[tokio::test]
async fn only_an_offered_subprotocol_is_echoed() {
    for (chosen, echoed) in [("b", Some("b")), ("c", None)] {
        let answer = json!({ "statusCode": 200, "headers": { "sec-websocket-PROTOCOL": chosen } });
        let plan = Plan::new().route("$connect", move |_| {
            let answer = answer.clone();
            async move { payload(&answer) }
        });
        let api = plan.start().await;
        let response = api.handshake("/prod", &[("Sec-WebSocket-Protocol", "a, b")]).await;
        assert_eq!(response.status(), 101);
        let protocol = response.headers().get("sec-websocket-protocol").map(|value| value.to_str().unwrap());
        assert_eq!(protocol, echoed);
    }
}

#[tokio::test]
async fn an_authorizer_is_asked_first_and_its_context_stays() {
    let mut api = Plan::new()
        .authorizer(&[], |_| async { allow(&json!({ "user": "alice", "exp": 17, "admin": false })) })
        .route("$connect", |_| async { ok() })
        .route("$default", |_| async { ok() })
        .route("$disconnect", |_| async { ok() })
        .start()
        .await;
    let mut client = api.connect_with(&[("Authorization", "Bearer x")]).await;

    let event = api.event_of("authorizer").await;
    serde_json::from_value::<ApiGatewayCustomAuthorizerRequestTypeRequest>({
        // The crate's type is the REST API's, where there is a method.
        let mut event = event.clone();
        event["requestContext"]["httpMethod"] = json!("GET");
        event["httpMethod"] = json!("GET");
        event
    })
    .unwrap();
    assert_eq!(event["type"], "REQUEST");
    assert_eq!(event["methodArn"], "arn:aws:execute-api:us-east-1:000000000000:abc123/prod/$connect");
    assert_eq!(event["headers"]["Authorization"], "Bearer x");
    assert_eq!(event["multiValueHeaders"]["Authorization"], json!(["Bearer x"]));
    assert_eq!(event["queryStringParameters"], json!({}));
    assert_eq!(event["stageVariables"], json!({}));
    assert_eq!(event["requestContext"]["eventType"], "CONNECT");
    assert_eq!(event["requestContext"]["authorizer"], Value::Null);

    let context = json!({ "user": "alice", "exp": "17", "admin": "false", "principalId": "someone" });
    let connected = api.event_of("$connect").await;
    assert_eq!(connected["requestContext"]["authorizer"], context);
    assert_eq!(connected["requestContext"]["connectionId"], event["requestContext"]["connectionId"]);
    client.send_text("hello").await;
    assert_eq!(api.event_of("$default").await["requestContext"]["authorizer"], context);
    client.0.close(None).await.unwrap();
    assert_eq!(api.event_of("$disconnect").await["requestContext"]["authorizer"], context);
}

#[tokio::test]
async fn an_authorizer_keeps_clients_out() {
    let denied = "User is not authorized to access this resource with an explicit deny";
    let silent = "User is not authorized to access this resource";
    for (answer, status, message) in [
        (policy("Deny", &json!({})), 403, denied),
        (payload(&json!({ "principalId": "x", "policyDocument": { "Statement": [] } })), 403, silent),
        (function_error("Unauthorized"), 401, "Unauthorized"),
        (function_error("unauthorized, sorry"), 500, "Internal server error"),
        (payload(&json!({ "statusCode": 401 })), 500, "Internal server error"),
        (Err(InvokeError::Throttled), 500, "Internal server error"),
    ] {
        let mut api = Plan::new()
            .authorizer(&[], move |_| std::future::ready(answer.clone()))
            .route("$connect", |_| async { ok() })
            .start()
            .await;
        let response = api.handshake("/prod", &[]).await;
        assert_eq!(response.status(), status);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["message"], message);
        let event = api.event_of("authorizer").await;
        assert_eq!(body["connectionId"], event["requestContext"]["connectionId"]);
        assert_eq!(body["requestId"], event["requestContext"]["requestId"]);
        api.assert_no_event();
    }
}

#[tokio::test]
async fn a_missing_identity_source_is_unauthorized_without_a_call() {
    let mut api = Plan::new()
        .authorizer(&["route.request.header.X-Key", "route.request.querystring.token"], |_| async { allow(&json!({})) })
        .route("$connect", |_| async { ok() })
        .start()
        .await;
    for (path, headers) in
        [("/prod", &[][..]), ("/prod", &[("X-Key", "a")]), ("/prod?token=", &[("X-Key", "a")]), ("/prod?token=t", &[])]
    {
        let response = api.handshake(path, headers).await;
        assert_eq!(response.status(), 401, "{path} {headers:?}");
        assert_eq!(response.json::<Value>().await.unwrap()["message"], "Unauthorized");
    }
    api.assert_no_event();
    assert_eq!(api.handshake("/prod?token=t", &[("x-key", "a")]).await.status(), 101);
}
