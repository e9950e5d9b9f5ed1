//! The HTTP/1.1 server in front of a service that is a library's.

use std::error::Error;
use std::future::ready;
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::response::IntoResponse;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Admission;

/// Time that requests in progress may take after the shutdown; long polls take up to 20 s.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

/// The wait after a connection that could not be accepted.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

type BoxError = Box<dyn Error + Send + Sync>;

/// A service that gets the requests that are admitted. The others are answered here.
#[derive(Clone)]
struct Admitted<S> {
    admission: Admission,
    service: S,
}

impl<S, B> Service<Request<Incoming>> for Admitted<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send + 'static>,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<UnsyncBoxBody<Bytes, BoxError>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        match self.admission.check(request.method(), request.uri(), request.headers()) {
            Ok(()) => {
                let answer = self.service.call(request);
                Box::pin(async move {
                    let answer = answer.await.map_err(Into::into)?;
                    Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync()))
                })
            }
            Err(refusal) => {
                let answer = refusal.into_response().map(|body| body.map_err(Into::into).boxed_unsync());
                Box::pin(ready(Ok(answer)))
            }
        }
    }
}

/// Serves what is admitted, until the token fires and the requests that were under way are answered or too slow.
pub async fn serve<S, B>(
    service: S,
    admission: Admission,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send + 'static>
        + Clone
        + Send
        + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let service = Admitted { admission, service };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, service.clone(), shutdown.clone()));
                }
                // The client is gone already, or no file can be opened at the moment: neither ends the service.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = shutdown.cancelled() => break,
        }
    }
    while connections.join_next().await.is_some() {}
    Ok(())
}

async fn serve_connection<S, B>(stream: TcpStream, service: S, shutdown: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>>,
    B: Body<Error: Into<BoxError>> + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "large messages may be slow");
    }
    let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(SHUTDOWN_TIMEOUT, connection).await {
                Ok(ended) => ended,
                // A long poll: its client sees the connection close.
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection was interrupted");
    }
}
