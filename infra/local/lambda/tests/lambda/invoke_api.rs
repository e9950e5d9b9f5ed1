//! Lambda's Invoke API over real sockets, and another Lambda that forwards to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use local_aws::policy::{Effect, Statement};
use local_aws::{Access, Keys, Principal};
use local_lambda::asynchronous::Retries;
use local_lambda::{FunctionSetup, Handler, InvokeError, Lambda, LogSink, Outcome, Services, invoke_api};
use local_template::model::Function;
use local_testing::{echo, signed};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::{CancellationToken, DropGuard};

const TIMEOUT: Duration = Duration::from_secs(20);

/// An Invoke API that runs until this is dropped.
struct Api {
    url: String,
    client: reqwest::Client,
    shutdown: DropGuard,
}

impl Api {
    async fn of(functions: Vec<Function>, start: impl FnOnce(CancellationToken) -> Lambda) -> Self {
        Self::with_access(functions, Access::default(), start).await
    }

    async fn with_access(
        functions: Vec<Function>,
        access: Access,
        start: impl FnOnce(CancellationToken) -> Lambda,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let retries = Retries {
            after_errors: vec![Duration::from_millis(1); 2],
            first_back_off: Duration::from_millis(1),
            longest_back_off: Duration::from_millis(2),
        };
        let lambda = start(shutdown.clone());
        tokio::spawn(invoke_api::serve(listener, functions, lambda, access, retries, shutdown.clone()));
        // A second test of the process finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { url, client: reqwest::Client::new(), shutdown: shutdown.drop_guard() }
    }

    /// With the process of [`echo`].
    async fn with_process() -> Self {
        let FunctionSetup { function, executable } = echo(env!("CARGO_PKG_NAME"));
        let functions = vec![function.clone()];
        Self::of(functions, |shutdown| {
            let setup = FunctionSetup { function, executable };
            Lambda::new(vec![setup], &Services::default(), &LogSink::new(std::io::sink()), shutdown)
        })
        .await
    }

    /// `function` may end in a query: `Echo?Qualifier=1`.
    fn request(&self, function: &str) -> RequestBuilder {
        let (name, query) = function.split_once('?').unwrap_or((function, ""));
        self.client.post(format!("{}/2015-03-31/functions/{name}/invocations?{query}", self.url))
    }

    async fn invoke(&self, function: &str, event: &Value) -> Response {
        signed(self.request(function).body(event.to_string()), "lambda").send().await.unwrap()
    }
}

#[track_caller]
fn is_error(response: &Response, status: u16, code: &str) {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["x-amzn-errortype"], code);
}

#[tokio::test]
async fn a_function_is_run_by_any_of_its_names() {
    let api = Api::with_process().await;
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:local-Echo";
    for name in ["local-Echo", "Echo", "local-Echo:$LATEST", "000000000000:function:local-Echo", arn] {
        let response = api.invoke(name, &json!({"a": 1})).await;
        assert_eq!(response.status(), 200, "{name}");
        assert_eq!(response.headers()["x-amz-executed-version"], "$LATEST");
        let request_id = response.headers()["x-amzn-requestid"].to_str().unwrap().to_owned();
        let answer: Value = response.json().await.unwrap();
        assert_eq!((&answer["event"], &answer["request_id"]), (&json!({"a": 1}), &json!(request_id)));
    }
    let without_payload: Value = signed(api.request("Echo"), "lambda").send().await.unwrap().json().await.unwrap();
    assert_eq!(without_payload["event"], json!({}));
    for (name, missing) in [
        ("Other", "arn:aws:lambda:us-east-1:000000000000:function:Other".to_owned()),
        ("Echo:live", format!("{arn}:live")),
        ("Echo?Qualifier=7", format!("{arn}:7")),
    ] {
        let response = signed(api.request(name), "lambda").send().await.unwrap();
        is_error(&response, 404, "ResourceNotFoundException");
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            (&body["Type"], &body["Message"]),
            (&json!("User"), &json!(format!("Function not found: {missing}")))
        );
    }
}

#[tokio::test]
async fn a_function_error_is_a_header_and_the_log_comes_with_it() {
    let api = Api::with_process().await;
    let request = api.request("Echo").header("X-Amz-Log-Type", "Tail").body(r#"{"do":"error"}"#);
    let response = signed(request, "lambda").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-amz-function-error"], "Unhandled");
    let log = STANDARD.decode(&response.headers()["x-amz-log-result"]).unwrap();
    let log = String::from_utf8(log).unwrap();
    let id = response.headers()["x-amzn-requestid"].to_str().unwrap();
    assert!(log.starts_with(&format!("START RequestId: {id}")), "{log}");
    assert!(log.contains(&format!("REPORT RequestId: {id}")), "{log}");
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["errorMessage"], "told to fail");
    let quiet = api.invoke("Echo", &json!({})).await;
    assert!(!quiet.headers().contains_key("x-amz-log-result"));
}

#[tokio::test]
async fn the_header_of_a_chain_at_its_end_is_refused() {
    let api = Api::with_process().await;
    let mut trace: Option<String> = None;
    for _ in 0..local_lambda::MAX_INVOCATIONS_IN_CHAIN {
        let request = api.request("Echo").body("{}");
        let request = trace.iter().fold(request, |request, trace| request.header("X-Amzn-Trace-Id", trace));
        let answer: Value = signed(request, "lambda").send().await.unwrap().json().await.unwrap();
        trace = answer["trace_env"].as_str().map(str::to_owned);
    }
    let request = || api.request("Echo").header("X-Amzn-Trace-Id", trace.as_deref().unwrap()).body("{}");
    is_error(&signed(request(), "lambda").send().await.unwrap(), 400, "RecursiveInvocationException");
    let event = signed(request().header("X-Amz-Invocation-Type", "Event"), "lambda").send().await.unwrap();
    assert_eq!(event.status(), 202, "it is accepted, and stopped later");
}

#[tokio::test]
async fn requests_that_lambda_refuses() {
    let api = Api::with_process().await;
    let not_json = signed(api.request("Echo").body("{"), "lambda").send().await.unwrap();
    is_error(&not_json, 400, "InvalidRequestContentException");
    let unknown = signed(api.request("Echo").header("X-Amz-Invocation-Type", "Later"), "lambda").send().await.unwrap();
    is_error(&unknown, 400, "ValidationException");
    let two = signed(api.request("Echo:a?Qualifier=b"), "lambda").send().await.unwrap();
    is_error(&two, 400, "InvalidParameterValueException");
    let large = format!("\"{}\"", "x".repeat(6 * 1024 * 1024));
    let response = signed(api.request("Echo").body(large), "lambda").send().await.unwrap();
    is_error(&response, 413, "RequestTooLargeException");
    let large = format!("\"{}\"", "x".repeat(1024 * 1024));
    let response = signed(api.request("Echo").header("X-Amz-Invocation-Type", "Event").body(large), "lambda")
        .send()
        .await
        .unwrap();
    is_error(&response, 413, "RequestTooLargeException");
    let list = || api.client.get(format!("{}/2015-03-31/functions", api.url));
    is_error(&list().send().await.unwrap(), 403, "MissingAuthenticationTokenException");
    is_error(&signed(list(), "lambda").send().await.unwrap(), 404, "UnknownOperationException");
}

#[tokio::test]
async fn a_function_invokes_what_its_policies_allow() {
    let function = echo(env!("CARGO_PKG_NAME")).function;
    let handler: Handler = Arc::new(|event| Box::pin(std::future::ready(Ok(Outcome::Success(event)))));
    let statement = Statement::new(Effect::Allow, &["lambda:Invoke*".to_owned()], vec![function.arn.clone()]);
    let principal = Principal {
        function: "Caller".to_owned(),
        session: "local-Caller".to_owned(),
        role: "local-CallerRole".to_owned(),
        policy: [statement].into_iter().collect(),
        ..Principal::default()
    };
    let access = Access::new(Keys::default(), [principal], None, None);
    let credentials = access.keys().of_instance("Caller", "instance");
    let lambda = Lambda::from_handlers(BTreeMap::from([("Echo".to_owned(), handler)]));
    let api = Api::with_access(vec![function], access, |_| lambda).await;
    let invoke = async |name: &str| {
        let url = format!("{}/2015-03-31/functions/{name}/invocations", api.url);
        let mut request = http::Request::post(url).body("{}").unwrap();
        local_aws::signature::sign(&credentials, "lambda", &mut request);
        api.client.execute(request.try_into().unwrap()).await.unwrap()
    };
    assert_eq!(invoke("local-Echo").await.status(), 200);
    let denied = invoke("other").await;
    is_error(&denied, 403, "AccessDeniedException");
    let body: Value = denied.json().await.unwrap();
    let sentence = "User: arn:aws:sts::000000000000:assumed-role/local-CallerRole/local-Caller is not authorized to perform: \
                    lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:000000000000:function:other because no \
                    identity-based policy allows the lambda:InvokeFunction action";
    assert_eq!(body["Message"], sentence);
}

/// The failure of an invocation.
#[derive(Clone, Copy)]
enum Mishap {
    Error,
    Throttle,
}

/// A function whose invocations go wrong in this order, and which reports each.
async fn scripted(mishaps: &'static [Mishap]) -> (Api, UnboundedReceiver<Bytes>) {
    let (report, reported) = unbounded_channel();
    let count = Arc::new(AtomicUsize::new(0));
    let handler: Handler = Arc::new(move |event| {
        report.send(event).unwrap();
        let outcome = match mishaps[count.fetch_add(1, Ordering::Relaxed)] {
            Mishap::Error => Ok(Outcome::FunctionError(Bytes::from_static(b"{}"))),
            Mishap::Throttle => Err(InvokeError::Throttled),
        };
        Box::pin(std::future::ready(outcome))
    });
    let lambda = Lambda::from_handlers(BTreeMap::from([("Echo".to_owned(), handler)]));
    (Api::of(vec![echo(env!("CARGO_PKG_NAME")).function], |_| lambda).await, reported)
}

/// Sends one event; how often the function runs for it, once no more runs can come.
async fn runs_of_an_event(mishaps: &'static [Mishap]) -> usize {
    let (api, mut reported) = scripted(mishaps).await;
    let request = api.request("Echo").header("X-Amz-Invocation-Type", "Event").body(r#"{"a":1}"#);
    let response = signed(request, "lambda").send().await.unwrap();
    assert_eq!(response.status(), 202);
    assert!(response.bytes().await.unwrap().is_empty());
    let mut runs = 0;
    while runs < mishaps.len() {
        let event = tokio::time::timeout(TIMEOUT, reported.recv()).await.expect("one more run").unwrap();
        assert_eq!(event, r#"{"a":1}"#);
        runs += 1;
    }
    // Every handler is dropped with the server, so the channel closes after the last run.
    drop(api.shutdown);
    tokio::time::timeout(TIMEOUT, async {
        while reported.recv().await.is_some() {
            runs += 1;
        }
    })
    .await
    .expect("the server ends");
    runs
}

#[tokio::test]
async fn an_event_that_fails_is_repeated_twice_and_a_throttled_one_until_it_runs() {
    use Mishap::{Error, Throttle};
    assert_eq!(runs_of_an_event(&[Error, Error, Error]).await, 3);
    assert_eq!(runs_of_an_event(&[Throttle, Throttle, Throttle, Error, Error, Error]).await, 6);
}

#[tokio::test]
async fn a_dry_run_and_a_throttle_run_nothing() {
    let (api, mut reported) = scripted(&[Mishap::Throttle]).await;
    let dry = signed(api.request("Echo").header("X-Amz-Invocation-Type", "DryRun"), "lambda").send().await.unwrap();
    assert_eq!(dry.status(), 204);
    assert!(reported.try_recv().is_err());
    let response = api.invoke("Echo", &json!({})).await;
    is_error(&response, 429, "TooManyRequestsException");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["Reason"], "ReservedFunctionConcurrentInvocationLimitExceeded");
}

#[tokio::test]
async fn a_lambda_forwards_to_the_invoke_api_of_another() {
    let api = Api::with_process().await;
    let mut known = echo(env!("CARGO_PKG_NAME")).function;
    // The endpoint knows the function by its third name.
    known.logical_id = "Mine".to_owned();
    let mut unknown = known.clone();
    (unknown.logical_id, unknown.name) = ("Unknown".to_owned(), "elsewhere".to_owned());
    let lambda = Lambda::forwarding(&[known.clone(), unknown], &api.url.parse().unwrap(), CancellationToken::new());

    let Outcome::Success(answer) = lambda.invoke("Mine", r#"{"a":1}"#.into()).await.unwrap() else {
        panic!("an error")
    };
    assert_eq!(serde_json::from_slice::<Value>(&answer).unwrap()["event"], json!({"a": 1}));
    let Outcome::FunctionError(error) = lambda.invoke("Mine", r#"{"do":"error"}"#.into()).await.unwrap() else {
        panic!("no error")
    };
    assert_eq!(serde_json::from_slice::<Value>(&error).unwrap()["errorMessage"], "told to fail");
    assert!(matches!(lambda.invoke("Unknown", "{}".into()).await, Err(InvokeError::NotFound(_))));

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let lambda = Lambda::forwarding(&[known], &format!("http://{nobody}").parse().unwrap(), shutdown.clone());
    assert!(matches!(lambda.invoke("Mine", "{}".into()).await, Err(InvokeError::Unavailable(_))));
    shutdown.cancel();
    assert!(matches!(lambda.invoke("Mine", "{}".into()).await, Err(InvokeError::Stopping)));
    lambda.stopped().await;
}
