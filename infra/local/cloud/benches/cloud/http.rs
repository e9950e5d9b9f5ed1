//! An HTTP client that keeps its connections.

use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use local_aws::{Credentials, signature};

use super::Failure;

#[derive(Debug, Clone)]
pub(crate) struct Http(Client<HttpConnector, Full<bytes::Bytes>>);

impl Http {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    pub(crate) async fn get(&self, url: &str) -> Result<String, Failure> {
        self.send(http::Request::get(url).body(Full::default())?).await
    }

    pub(crate) async fn post(&self, url: &str, body: &str) -> Result<String, Failure> {
        let service = if url.contains("/@connections/") { "execute-api" } else { "lambda" };
        let request = http::Request::post(url).header("content-type", "text/plain").body(body.to_owned())?;
        self.send_signed(service, request).await
    }

    /// A call of DynamoDB.
    pub(crate) async fn call(&self, url: &str, target: &str, body: String) -> Result<String, Failure> {
        let request = http::Request::post(url)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", target);
        self.send_signed("dynamodb", request.body(body)?).await
    }

    async fn send_signed(&self, service: &str, mut request: http::Request<String>) -> Result<String, Failure> {
        signature::sign(&Credentials::developer(), service, &mut request);
        self.send(request.map(Full::from)).await
    }

    /// The body of an answer that must be a success.
    async fn send(&self, request: http::Request<Full<bytes::Bytes>>) -> Result<String, Failure> {
        let url = request.uri().clone();
        let (head, body) = self.0.request(request).await?.into_parts();
        let body = String::from_utf8(body.collect().await?.to_bytes().into())?;
        if head.status.is_success() { Ok(body) } else { Err(format!("{url}: {} {body}", head.status).into()) }
    }
}
