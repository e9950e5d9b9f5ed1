//! The trace header of a request, which SQS keeps with the messages that it sends: `AWSTraceHeader`.
//! <https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html>
//!
//! The library's handler gets the body of a request only, so the header goes around it.

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::task::futures::TaskLocalFuture;
use tokio::task_local;

const HEADER: &str = "x-amzn-trace-id";

/// The system attribute that holds the header.
pub(crate) const ATTRIBUTE: &str = "AWSTraceHeader";

task_local! {
    static TRACE: Option<String>;
}

/// A service whose handlers find the trace header of their request.
#[derive(Debug, Clone)]
pub(crate) struct Traced<S>(pub(crate) S);

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for Traced<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = TaskLocalFuture<Option<String>, S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let trace = request.headers().get(HEADER).and_then(|header| header.to_str().ok()).map(str::to_owned);
        TRACE.scope(trace, self.0.call(request))
    }
}

/// The header of the request under way. `None` without one, and outside of a request.
pub(crate) fn header() -> Option<String> {
    TRACE.try_with(Clone::clone).ok().flatten()
}
