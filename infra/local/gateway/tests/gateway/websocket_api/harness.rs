//! An API that runs for one test, and clients of it.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use local_gate::Gate;
use local_gateway::websocket_api::{Limits, Stats, serve_with};
use local_lambda::{Handler, InvokeError, Lambda, Outcome};
use local_template::model::{RequestAuthorizer, RouteLimit, WebSocketApi, WebSocketRoute};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes; a test that waits for so long has failed.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) type Answer = Result<Outcome, InvokeError>;

#[allow(clippy::unnecessary_wraps, reason = "it is one of the answers that a function may give")]
pub(crate) fn payload(value: &Value) -> Answer {
    Ok(Outcome::Success(value.to_string().into()))
}

pub(crate) fn ok() -> Answer {
    payload(&json!({ "statusCode": 200 }))
}

/// Returns Lambda's answer for a function that failed with this message.
#[allow(clippy::unnecessary_wraps, reason = "it is one of the answers that a function may give")]
pub(crate) fn function_error(message: &str) -> Answer {
    Ok(Outcome::FunctionError(json!({ "errorType": "Error", "errorMessage": message }).to_string().into()))
}

/// Returns the answer of an authorizer that allows everyone.
pub(crate) fn allow(context: &Value) -> Answer {
    policy("Allow", context)
}

pub(crate) fn policy(effect: &str, context: &Value) -> Answer {
    payload(&json!({
        "principalId": "someone",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": effect,
                "Action": "execute-api:Invoke",
                "Resource": "arn:aws:execute-api:us-east-1:000000000000:abc123/prod/$connect",
            }],
        },
        "context": context,
    }))
}

/// An API to be, stage `prod`, routed by `$request.body.action`.
pub(crate) struct Plan {
    api: WebSocketApi,
    handlers: BTreeMap<String, Handler>,
    pub(crate) limits: Limits,
    sender: mpsc::UnboundedSender<(String, Value)>,
    events: mpsc::UnboundedReceiver<(String, Value)>,
}

impl Plan {
    pub(crate) fn new() -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let api = WebSocketApi {
            logical_id: "Api".into(),
            api_id: "abc123".into(),
            stage: "prod".into(),
            route_selection_expression: "$request.body.action".into(),
            authorizer: None,
            routes: BTreeMap::new(),
            route_limits: BTreeMap::new(),
        };
        Self { api, handlers: BTreeMap::new(), limits: Limits::default(), sender, events }
    }

    /// A route whose function does this; its replies go nowhere.
    pub(crate) fn route<F, Fut>(self, key: &str, function: F) -> Self
    where
        F: Fn(Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.add(key, false, function)
    }

    /// A route whose replies go to the client.
    pub(crate) fn two_way<F, Fut>(self, key: &str, function: F) -> Self
    where
        F: Fn(Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        self.add(key, true, function)
    }

    fn add<F, Fut>(mut self, key: &str, responds: bool, function: F) -> Self
    where
        F: Fn(Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        let route = WebSocketRoute { function: key.into(), responds, timeout: Duration::from_secs(29) };
        self.api.routes.insert(key.into(), route);
        self.function(key, function)
    }

    pub(crate) fn timeout(mut self, key: &str, timeout: Duration) -> Self {
        self.api.routes.get_mut(key).unwrap().timeout = timeout;
        self
    }

    pub(crate) fn limit(mut self, key: &str, limit: RouteLimit) -> Self {
        self.api.route_limits.insert(key.into(), limit);
        self
    }

    pub(crate) fn authorizer<F, Fut>(mut self, identity_sources: &[&str], function: F) -> Self
    where
        F: Fn(Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        let identity_sources = identity_sources.iter().map(|source| (*source).to_owned()).collect();
        self.api.authorizer = Some(RequestAuthorizer { function: "authorizer".into(), identity_sources });
        self.function("authorizer", function)
    }

    fn function<F, Fut>(mut self, name: &str, function: F) -> Self
    where
        F: Fn(Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        let (sender, key) = (self.sender.clone(), name.to_owned());
        let handler: Handler = Arc::new(move |payload: Bytes| {
            let event: Value = serde_json::from_slice(&payload).unwrap();
            // A test that has ended no longer listens.
            let _ = sender.send((key.clone(), event.clone()));
            Box::pin(function(event))
        });
        self.handlers.insert(name.into(), handler);
        self
    }

    pub(crate) async fn start(self) -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stats, shutdown) = (Arc::new(Stats::default()), CancellationToken::new());
        let lambda = Lambda::from_handlers(self.handlers);
        let gate = Gate::new(lambda.clone(), None);
        let server = serve_with(listener, self.api, lambda, gate, self.limits, stats.clone(), shutdown.clone());
        let server = tokio::spawn(server);
        // A second test of the process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Api { address, stats, shutdown, server: Some(server), events: self.events }
    }
}

/// A running API. It stops when this is dropped.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    pub(crate) stats: Arc<Stats>,
    shutdown: CancellationToken,
    server: Option<JoinHandle<io::Result<()>>>,
    events: mpsc::UnboundedReceiver<(String, Value)>,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Api {
    pub(crate) async fn connect(&self) -> Client {
        let (socket, _) = connect_async(format!("ws://{}/prod", self.address)).await.unwrap();
        Client(socket)
    }

    /// Connects with these headers.
    pub(crate) async fn connect_with(&self, headers: &[(&'static str, &str)]) -> Client {
        let mut request = format!("ws://{}/prod", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        Client(connect_async(request).await.unwrap().0)
    }

    /// A handshake whose answer is looked at, not used.
    pub(crate) async fn handshake(&self, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        let mut request = reqwest::Client::new().get(format!("http://{}{path}", self.address)).headers(
            [
                ("connection", "Upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ]
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect(),
        );
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    /// The next event that a function got, and which function.
    pub(crate) async fn event(&mut self) -> (String, Value) {
        timeout(TIMEOUT, self.events.recv()).await.expect("no event came").unwrap()
    }

    /// The next event of this function; there must be none of another before it.
    pub(crate) async fn event_of(&mut self, function: &str) -> Value {
        let (name, event) = self.event().await;
        assert_eq!(name, function, "{event}");
        event
    }

    /// That no function was called which was not asked for.
    pub(crate) fn assert_no_event(&mut self) {
        assert_eq!(self.events.try_recv().ok(), None);
    }

    /// Stops the API and waits for its end.
    pub(crate) async fn stop(&mut self) {
        self.shutdown.cancel();
        let server = self.server.take().unwrap();
        timeout(TIMEOUT, server).await.expect("the server did not stop").unwrap().unwrap();
    }
}

pub(crate) struct Client(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn frame(&mut self) -> Message {
        timeout(TIMEOUT, self.0.next()).await.expect("no frame came").expect("the connection ended").unwrap()
    }

    /// The next frame, as text.
    pub(crate) async fn text(&mut self) -> String {
        match self.frame().await {
            Message::Text(text) => text.to_string(),
            other => panic!("expected text, got {other:?}"),
        }
    }

    /// The next frame, as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// The close frame that comes next.
    pub(crate) async fn closed(&mut self) -> CloseFrame {
        match self.frame().await {
            Message::Close(Some(frame)) => frame,
            other => panic!("expected a close frame, got {other:?}"),
        }
    }
}
