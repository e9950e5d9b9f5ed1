//! The trace of an invocation, which its requests take along: by it Lambda detects functions that run in loops.
//!
//! With one invocation at a time, the runtime sets the variable `_X_AMZN_TRACE_ID`, and AWS's clients send it. The variable cannot
//! have the traces of several invocations; then the trace is in the task, and this module sends it.

use aws_sdk_sqs::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_sqs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sqs::error::BoxError;

/// Header of a request, as AWS's clients send it.
const HEADER: &str = "x-amzn-trace-id";

tokio::task_local! {
    static TRACE: Option<String>;
}

/// Runs an invocation whose requests take this trace along.
pub(crate) fn within<F: Future>(trace: Option<String>, invocation: F) -> impl Future<Output = F::Output> {
    TRACE.scope(trace, invocation)
}

/// Adds the trace of the current invocation to requests that have none.
#[derive(Debug)]
pub(crate) struct SendTrace;

impl Intercept for SendTrace {
    fn name(&self) -> &'static str {
        "SendTrace"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let trace = TRACE.try_with(Clone::clone).ok().flatten();
        let headers = context.request_mut().headers_mut();
        if let Some(trace) = trace.filter(|_| !headers.contains_key(HEADER)) {
            headers.try_insert(HEADER, trace)?;
        }
        Ok(())
    }
}
