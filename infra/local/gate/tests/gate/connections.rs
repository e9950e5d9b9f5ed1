//! `@connections` behind the gate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use futures_util::StreamExt;
use local_aws::policy::{Effect, Statement};
use local_aws::{Access, Keys, Principal, Service};
use local_cloud::meter::MeterReader;
use local_gate::Gate;
use local_gate::faults::Plan;
use local_gateway::websocket_api::{Limits, Stats, serve_with};
use local_lambda::{Handler, Lambda, Outcome};
use local_template::model::{WebSocketApi, WebSocketRoute};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn posts_are_counted_and_can_be_gone_or_throttled() {
    let (ids, mut connected) = mpsc::unbounded_channel();
    let connect: Handler = Arc::new(move |event| {
        let event: Value = serde_json::from_slice(&event).unwrap();
        ids.send(event["requestContext"]["connectionId"].as_str().unwrap().to_owned()).unwrap();
        Box::pin(async { Ok(Outcome::Success(r#"{"statusCode":200}"#.into())) })
    });
    let lambda = Lambda::from_handlers(BTreeMap::from([("Connect".to_owned(), connect)]));
    let route = WebSocketRoute { function: "Connect".to_owned(), responds: false, timeout: TIMEOUT };
    let api = WebSocketApi {
        logical_id: "Socket".to_owned(),
        api_id: "abc123".to_owned(),
        stage: "prod".to_owned(),
        route_selection_expression: "$request.body.action".to_owned(),
        authorizer: None,
        routes: BTreeMap::from([("$connect".to_owned(), route)]),
        route_limits: BTreeMap::new(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let resource = "arn:aws:execute-api:us-east-1:000000000000:Socket/prod/POST/@connections/*".to_owned();
    let action = "execute-api:ManageConnections".to_owned();
    let principal = Principal {
        function: "Connect".to_owned(),
        policy: [Statement::new(Effect::Allow, &[action], vec![resource])].into_iter().collect(),
        ..Principal::default()
    };
    let access = Access::new(Keys::default(), [principal], None, None);
    let credentials = access.keys().of_instance("Connect", "instance");
    let gate = Gate::with_access(lambda.clone(), None, access);
    let (stats, shutdown) = (Arc::new(Stats::default()), CancellationToken::new());
    let _stop = shutdown.clone().drop_guard();
    let sources = MeterReader {
        meter: gate.meter().clone(),
        lambda: lambda.clone(),
        http_apis: BTreeMap::new(),
        websocket_apis: BTreeMap::from([("Socket".to_owned(), stats.clone())]),
    };
    tokio::spawn(serve_with(listener, api, lambda, gate.clone(), Limits::default(), stats, shutdown));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{address}/prod")).await.unwrap();
    let id = connected.recv().await.unwrap();

    let config = local_testing::sdk_as(format!("http://{address}/prod"), credentials).to_builder();
    let config = config.retry_config(RetryConfig::disabled()).build();
    let client = aws_sdk_apigatewaymanagement::Client::new(&config);
    let post = |size: usize| client.post_to_connection().connection_id(&id).data(Blob::new("x".repeat(size))).send();

    post(32 * 1024 + 1).await.unwrap();
    let plan = |kind: &str| -> Plan { serde_json::from_value(json!({"rules": [{"kind": kind}]})).unwrap() };
    gate.install(plan("gone")).await.unwrap();
    assert!(post(1).await.unwrap_err().into_service_error().is_gone_exception());
    gate.install(plan("throttle")).await.unwrap();
    assert!(post(1).await.unwrap_err().into_service_error().is_limit_exceeded_exception());
    gate.install(plan("response_lost")).await.unwrap();
    post(2).await.unwrap_err();

    for size in [32 * 1024 + 1, 2] {
        let frame = timeout(TIMEOUT, socket.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(frame.len(), size);
    }
    let reading = sources.read();
    assert_eq!(reading.faults, [("gone", 1), ("response_lost", 1), ("throttle", 1)].into());
    let api = &reading.websocket_apis["Socket"];
    assert_eq!((api.connections, api.frames_out, api.units_out), (1, 2, 3));
    let denied = client.delete_connection().connection_id(&id).send().await.unwrap_err();
    assert_eq!(denied.raw_response().unwrap().status().as_u16(), 403);
    assert_eq!(denied.raw_response().unwrap().headers().get("x-amzn-errortype"), Some("AccessDeniedException"));
    let body: Value = serde_json::from_slice(denied.raw_response().unwrap().body().bytes().unwrap()).unwrap();
    let resource = "arn:aws:execute-api:us-east-1:********0000:Socket/prod/DELETE/@connections/{connectionId}";
    assert!(body["Message"].as_str().unwrap().contains(&format!(" on resource: {resource} because no ")), "{body}");
    // A handler that stands in for a function is known as one.
    assert!(!reading.outside.contains_key(&Service::Apigatewaymanagementapi));
}
