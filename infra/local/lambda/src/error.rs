//! Lambda's own wording for what went wrong with an invocation.
//!
//! A handler's error passes through unchanged; these are the objects that Lambda writes itself. Types and messages are
//! those of AWS's runtime interface emulator, which shares its code with the service; `Sandbox.Timedout` is the service's.

use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::limits::MAX_RESPONSE_BYTES;

/// Failure of an invocation.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The handler, or the function's initialisation, reported this error object.
    Reported(Bytes),
    /// The function's timeout passed.
    TimedOut(Duration),
    /// The process ended before it answered.
    Exited(ExitStatus),
    /// The executable could not be started.
    InvalidEntrypoint(String),
    /// The response had this many bytes, more than [`MAX_RESPONSE_BYTES`].
    ResponseTooLarge(usize),
}

impl Failure {
    /// The payload of the failed invocation.
    pub(crate) fn payload(&self, request_id: &str) -> Bytes {
        let message = match self {
            Self::Reported(body) => return body.clone(),
            Self::ResponseTooLarge(_) => self.message(),
            _ => format!("RequestId: {request_id} Error: {}", self.message()),
        };
        json!({ "errorType": self.error_type(), "errorMessage": message }).to_string().into()
    }

    /// The part of the message that does not depend on the invocation.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Reported(body) => String::from_utf8_lossy(body).into_owned(),
            Self::TimedOut(timeout) => {
                format!("Task timed out after {:.2} seconds", timeout.as_secs_f64())
            }
            Self::Exited(status) if status.success() => "Runtime exited without providing a reason".to_owned(),
            Self::Exited(status) => format!("Runtime exited with error: {}", describe(*status)),
            Self::InvalidEntrypoint(reason) => reason.clone(),
            Self::ResponseTooLarge(size) => format!(
                "Response payload size ({size} bytes) exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
            ),
        }
    }

    /// `errorType` of the payload. For a reported error, the type under which Lambda files it in `REPORT` lines.
    pub(crate) fn error_type(&self) -> &'static str {
        match self {
            Self::Reported(_) => "Runtime.Unknown",
            Self::TimedOut(_) => "Sandbox.Timedout",
            Self::Exited(_) => "Runtime.ExitError",
            Self::InvalidEntrypoint(_) => "Runtime.InvalidEntrypoint",
            Self::ResponseTooLarge(_) => "Function.ResponseSizeTooLarge",
        }
    }
}

/// `exit status 1` or `signal: killed`: Go's words for it, which are Lambda's.
fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = match signal {
            1 => "hangup",
            2 => "interrupt",
            3 => "quit",
            4 => "illegal instruction",
            5 => "trace/breakpoint trap",
            6 => "aborted",
            7 => "bus error",
            8 => "floating point exception",
            9 => "killed",
            11 => "segmentation fault",
            13 => "broken pipe",
            15 => "terminated",
            _ => return format!("signal: signal {signal}"),
        };
        return format!("signal: {name}");
    }
    format!("exit status {}", status.code().unwrap_or(1))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn object(failure: &Failure) -> serde_json::Value {
        serde_json::from_slice(&failure.payload("id-1")).expect("payload is JSON")
    }

    #[test]
    fn words_a_timeout_with_two_decimals() {
        assert_eq!(
            object(&Failure::TimedOut(Duration::from_secs(3))),
            json!({"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: id-1 Error: Task timed out after 3.00 seconds"}),
        );
    }

    #[test]
    fn words_the_end_of_a_process_by_status_signal_or_neither() {
        let message = |raw| object(&Failure::Exited(ExitStatus::from_raw(raw)))["errorMessage"].clone();
        assert_eq!(message(1 << 8), "RequestId: id-1 Error: Runtime exited with error: exit status 1");
        assert_eq!(message(9), "RequestId: id-1 Error: Runtime exited with error: signal: killed");
        assert_eq!(message(0), "RequestId: id-1 Error: Runtime exited without providing a reason");
    }
}
