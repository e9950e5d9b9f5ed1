//! The service's errors as sqlx's.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::{self, Display, Formatter};
use std::io;

use aws_sdk_rdsdata::config::http::HttpResponse;
use aws_sdk_rdsdata::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_rdsdata::operation::RequestId;
use sqlx_core::error::{BoxDynError, DatabaseError, Error, ErrorKind};

/// The kind of failure that the service reported, by its exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataApiFault {
    /// PostgreSQL refused the statement, and [`code`](DatabaseError::code) is its SQLSTATE. A transaction that it was part
    /// of is over.
    Statement,
    /// The statement ran, and its result is too large: a row may have 64 KB, all rows 1 MiB. A transaction that it was part
    /// of is over; outside of one, what it changed is changed.
    ResultTooLarge,
    /// The call took longer than 45 seconds. Its transaction has ended, unless the statement may
    /// [continue](crate::DataApiConnectOptions::continue_after_timeout).
    Timeout,
    /// The transaction has ended: a statement in it failed, it was idle for three minutes, or it ran for 24 hours. Also the
    /// answer to a commit after a failed statement, whether the service has ended the transaction or not.
    TransactionNotFound,
    /// The cluster was paused and is waking up. Nothing was run.
    Resuming,
    /// A result that the service cannot return: an array of arrays, or an unsupported type. Cast it to `text`.
    UnsupportedResult,
    /// Access denied: by IAM, by the secret, or because the cluster's Data API is disabled.
    Access,
    /// Too many requests. Nothing was run.
    Throttled,
    /// The service or the cluster's writer is down.
    Unavailable,
    /// The request is not one that the service accepts.
    Request,
}

/// An error that the service answered with.
///
/// Get it with [`Error::as_database_error`] and `try_downcast_ref`. The SDK's error, with the request's id, is the
/// [`source`](StdError::source). The driver puts no SQL and no argument into it; PostgreSQL may quote a value
/// (`invalid input syntax for type uuid: "x"`) in what it says.
#[derive(Debug)]
pub struct DataApiError {
    fault: DataApiFault,
    message: String,
    sqlstate: Option<String>,
    request_id: Option<String>,
    source: BoxDynError,
}

impl DataApiError {
    /// Returns the kind of failure.
    pub fn fault(&self) -> DataApiFault {
        self.fault
    }

    /// The request's id, for AWS support.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Returns true if a retry may succeed: of the statement, or of the transaction from its beginning.
    ///
    /// True for a resuming cluster, throttling, an unavailable service, and for these of PostgreSQL's errors: serialization
    /// failures (40001), deadlocks (40P01), the timeouts of locks (55P03), statements (57014) and idle transactions (25P03), too
    /// many connections (53300), and a server that ends, starts or cannot be reached (57P01 to 57P03, class 08 but 08P01). The
    /// driver itself only retries while the cluster resumes.
    pub fn is_retryable(&self) -> bool {
        use DataApiFault::{Resuming, Throttled, Unavailable};
        let retryable_state = |state: &str| match state {
            "40001" | "40P01" | "55P03" | "57014" | "25P03" | "53300" | "57P01" | "57P02" | "57P03" => true,
            _ => state.starts_with("08") && state != "08P01",
        };
        matches!(self.fault, Resuming | Throttled | Unavailable)
            || self.sqlstate.as_deref().is_some_and(retryable_state)
    }

    /// The answer to a commit after a failure that the caller did not roll back.
    pub(crate) fn transaction_failed() -> Self {
        let message = "it was rolled back instead of committed, because a statement in it failed or was cancelled";
        Self {
            fault: DataApiFault::TransactionNotFound,
            message: message.to_owned(),
            sqlstate: None,
            request_id: None,
            source: message.into(),
        }
    }

    /// Matches the service's message for a call on a transaction whose last statement continues.
    pub(crate) fn is_still_running(&self) -> bool {
        self.message.contains("still running")
    }
}

impl Display for DataApiError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.fault {
            DataApiFault::TransactionNotFound => {
                "the transaction has ended (a statement in it failed, it was idle for three minutes, or it ran for 24 hours): "
            }
            DataApiFault::ResultTooLarge => "the result is too large (limits: 64 KB per row, 1 MiB for all rows): ",
            _ => "",
        })?;
        f.write_str(&self.message)
    }
}

impl StdError for DataApiError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

impl DatabaseError for DataApiError {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        self.sqlstate.as_deref().map(Cow::Borrowed)
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn is_transient_in_connect_phase(&self) -> bool {
        self.is_retryable()
    }

    /// The name in `… constraint "name"`; the service returns PostgreSQL's message without its fields.
    fn constraint(&self) -> Option<&str> {
        quoted_after(&self.message, "constraint ")
    }

    /// The name in `… table "name"` or `… relation "name"`. Of a row that is still referenced, the table that references it, as
    /// in PostgreSQL's field for the name.
    fn table(&self) -> Option<&str> {
        self.sqlstate.as_deref().filter(|state| state.starts_with("23"))?;
        let named = |word| quoted_after(&self.message, word);
        let referencing = self.message.rfind(" on table \"").and_then(|at| quoted_after(&self.message[at..], "table "));
        let referencing = referencing.filter(|_| self.message.contains("update or delete on table "));
        referencing.or_else(|| named("table ")).or_else(|| named("relation "))
    }

    fn kind(&self) -> ErrorKind {
        match self.sqlstate.as_deref() {
            Some("23505") => ErrorKind::UniqueViolation,
            // `ON DELETE RESTRICT` has a state of its own since PostgreSQL 18.
            Some("23503" | "23001") => ErrorKind::ForeignKeyViolation,
            Some("23502") => ErrorKind::NotNullViolation,
            Some("23514") => ErrorKind::CheckViolation,
            Some("23P01") => ErrorKind::ExclusionViolation,
            _ => ErrorKind::Other,
        }
    }
}

/// The error of any of the service's operations.
pub(crate) fn from_sdk<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let kind = match &error {
        SdkError::ServiceError(_) => return answered(error).into(),
        SdkError::ConstructionFailure(_) => return Error::Configuration(Box::new(error)),
        SdkError::TimeoutError(_) => io::ErrorKind::TimedOut,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => io::ErrorKind::TimedOut,
        SdkError::DispatchFailure(failure) if failure.is_io() => io::ErrorKind::NotConnected,
        SdkError::ResponseError(_) => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    Error::Io(io::Error::new(kind, error))
}

fn answered<E>(error: SdkError<E, HttpResponse>) -> DataApiError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let code = error.code().unwrap_or_default();
    let said = error.message().unwrap_or(code);
    let sqlstate = sqlstate(said);
    DataApiError {
        fault: fault(code, said, sqlstate.is_some()),
        message: first_part(said).to_owned(),
        sqlstate: sqlstate.map(str::to_owned),
        request_id: error.request_id().map(str::to_owned),
        source: Box::new(error),
    }
}

/// The SQLSTATE decides before the exception does: older clusters wrap everything in `BadRequestException`.
fn fault(code: &str, message: &str, has_sqlstate: bool) -> DataApiFault {
    match code {
        _ if has_sqlstate => DataApiFault::Statement,
        _ if names_large_result(message) => DataApiFault::ResultTooLarge,
        "DatabaseErrorException" => DataApiFault::Statement,
        "StatementTimeoutException" => DataApiFault::Timeout,
        "TransactionNotFoundException" => DataApiFault::TransactionNotFound,
        "DatabaseResumingException" => DataApiFault::Resuming,
        "UnsupportedResultException" => DataApiFault::UnsupportedResult,
        "AccessDeniedException"
        | "ForbiddenException"
        | "InvalidSecretException"
        | "SecretsErrorException"
        | "HttpEndpointNotEnabledException" => DataApiFault::Access,
        "ThrottlingException" | "TooManyRequestsException" => DataApiFault::Throttled,
        "ServiceUnavailableError"
        | "InternalServerErrorException"
        | "DatabaseUnavailableException"
        | "InvalidResourceStateException" => DataApiFault::Unavailable,
        "BadRequestException" | "NotFoundException" if names_lost_transaction(message) => {
            DataApiFault::TransactionNotFound
        }
        _ => DataApiFault::Request,
    }
}

fn names_lost_transaction(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("transaction") && (message.contains("not found") || message.contains("invalid transaction"))
}

/// Matches the service's messages for the limit of a row and for that of a result; its exceptions for both have other causes as
/// well. The wording changed over time: "Packet for query is too large", "Database returned more than the allowed response size
/// limit", "Database response exceeded size limit", "The result set exceeds the maximum size of 1 MB".
fn names_large_result(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| message.contains(word));
    names(&["packet for query", "response", "result", "row", "record"])
        && !names(&["request size", "request exceed"])
        && (names(&["too large", "too big"])
            || names(&["limit", "maximum", "size"]) && names(&["exceed", "more than", "larger", "over the"]))
}

/// `23505` of `ERROR: …; SQLState: 23505`. The last one counts: a message can quote a user's text.
fn sqlstate(message: &str) -> Option<&str> {
    let (_, after) = message.rsplit_once("SQLState: ")?;
    let state = after.get(..5)?;
    state.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()).then_some(state)
}

/// The message without `Detail:`, in which PostgreSQL quotes rows.
fn first_part(message: &str) -> &str {
    let end = message.find("Detail:").unwrap_or(message.len());
    let end = message[..end].find("; Position:").or_else(|| message[..end].find("; SQLState:")).unwrap_or(end);
    message[..end].trim_end()
}

fn quoted_after<'m>(message: &'m str, word: &str) -> Option<&'m str> {
    let start = message.find(&format!("{word}\""))? + word.len() + 1;
    let name = &message[start..];
    Some(&name[..name.find('"')?])
}

#[cfg(test)]
mod tests {
    use aws_sdk_rdsdata::error::ErrorMetadata;
    use aws_sdk_rdsdata::operation::execute_statement::ExecuteStatementError;

    use super::*;

    fn error(code: &str, message: &str) -> DataApiError {
        let error = ExecuteStatementError::generic(ErrorMetadata::builder().code(code).message(message).build());
        let response = HttpResponse::new(400.try_into().unwrap(), "".into());
        answered(SdkError::service_error(error, response))
    }

    #[test]
    fn sqlstates_have_kinds_and_names() {
        for (message, kind, constraint, table) in [
            (
                r#"ERROR: duplicate key value violates unique constraint "users_pkey"; SQLState: 23505"#,
                ErrorKind::UniqueViolation,
                Some("users_pkey"),
                None,
            ),
            (
                "ERROR: insert or update on table \"a\" violates foreign key constraint \"a_b_fkey\"\n  Detail: Key (b)=(secret) is not present in table \"b\".; SQLState: 23503",
                ErrorKind::ForeignKeyViolation,
                Some("a_b_fkey"),
                Some("a"),
            ),
            (
                "ERROR: update or delete on table \"b\" violates foreign key constraint \"a_b_fkey\" on table \"a\"\n  Detail: Key (id)=(secret) is still referenced from table \"a\".; SQLState: 23503",
                ErrorKind::ForeignKeyViolation,
                Some("a_b_fkey"),
                Some("a"),
            ),
            (
                r#"ERROR: update or delete on table "b" violates RESTRICT setting of foreign key constraint "a_b_fkey" on table "a"; SQLState: 23001"#,
                ErrorKind::ForeignKeyViolation,
                Some("a_b_fkey"),
                Some("a"),
            ),
            (
                r#"ERROR: null value in column "x" of relation "a" violates not-null constraint; SQLState: 23502"#,
                ErrorKind::NotNullViolation,
                None,
                Some("a"),
            ),
            (
                r#"ERROR: new row for relation "a" violates check constraint "a_x_check"; SQLState: 23514"#,
                ErrorKind::CheckViolation,
                Some("a_x_check"),
                Some("a"),
            ),
            (
                r#"ERROR: conflicting key value violates exclusion constraint "a_excl"; SQLState: 23P01"#,
                ErrorKind::ExclusionViolation,
                Some("a_excl"),
                None,
            ),
            (r#"ERROR: relation "a" does not exist; Position: 15; SQLState: 42P01"#, ErrorKind::Other, None, None),
        ] {
            let error = error("DatabaseErrorException", message);
            assert_eq!(error.fault(), DataApiFault::Statement);
            assert_eq!(error.kind(), kind, "{message}");
            assert_eq!(error.constraint(), constraint, "{message}");
            assert_eq!(error.table(), table, "{message}");
            assert!(!error.to_string().contains("secret") && !error.to_string().contains("SQLState"));
        }
    }

    #[test]
    fn sqlstate_is_read_from_the_end_of_the_message() {
        let error = error("DatabaseErrorException", "ERROR: SQLState: 23505 is a lie; SQLState: 22P02");
        assert_eq!(error.code().as_deref(), Some("22P02"));
        assert_eq!(sqlstate("SQLState: abcde"), None);
        assert_eq!(sqlstate("SQLState: 2"), None);
    }

    #[test]
    fn each_exception_has_a_fault() {
        for (code, message, fault, retryable) in [
            ("TransactionNotFoundException", "Transaction x is not found", DataApiFault::TransactionNotFound, false),
            ("BadRequestException", "Transaction x is not found", DataApiFault::TransactionNotFound, false),
            ("BadRequestException", "ERROR: x; SQLState: 42601", DataApiFault::Statement, false),
            ("DatabaseErrorException", "ERROR: deadlock; SQLState: 40P01", DataApiFault::Statement, true),
            ("DatabaseErrorException", "ERROR: lock timeout; SQLState: 55P03", DataApiFault::Statement, true),
            ("DatabaseErrorException", "FATAL: idle; SQLState: 25P03", DataApiFault::Statement, true),
            ("DatabaseErrorException", "FATAL: stopped; SQLState: 08006", DataApiFault::Statement, true),
            ("DatabaseErrorException", "ERROR: bind message; SQLState: 08P01", DataApiFault::Statement, false),
            ("DatabaseErrorException", "ERROR: row is too big; SQLState: 54000", DataApiFault::Statement, false),
            ("DatabaseErrorException", "Packet for query is too large", DataApiFault::ResultTooLarge, false),
            ("BadRequestException", "Database response exceeded size limit", DataApiFault::ResultTooLarge, false),
            (
                "BadRequestException",
                "Database returned more than the allowed response size limit",
                DataApiFault::ResultTooLarge,
                false,
            ),
            (
                "UnsupportedResultException",
                "The result set exceeds the maximum size of 1 MB",
                DataApiFault::ResultTooLarge,
                false,
            ),
            ("ValidationException", "The result is too large", DataApiFault::ResultTooLarge, false),
            ("BadRequestException", "Request size exceeds the limit", DataApiFault::Request, false),
            (
                "UnsupportedResultException",
                "The result contains the unsupported data type x",
                DataApiFault::UnsupportedResult,
                false,
            ),
            ("DatabaseResumingException", "wait", DataApiFault::Resuming, true),
            ("ThrottlingException", "Rate exceeded", DataApiFault::Throttled, true),
            ("InternalServerErrorException", "", DataApiFault::Unavailable, true),
            ("StatementTimeoutException", "Request timed out", DataApiFault::Timeout, false),
            ("UnsupportedResultException", "", DataApiFault::UnsupportedResult, false),
            ("AccessDeniedException", "", DataApiFault::Access, false),
            ("ValidationException", "Multistatements aren't supported.", DataApiFault::Request, false),
        ] {
            let error = error(code, message);
            assert_eq!((error.fault(), error.is_retryable()), (fault, retryable), "{code} {message}");
        }
    }

    #[test]
    fn source_is_the_sdk_error() {
        let error = error("ForbiddenException", "no");
        let source = error.source().unwrap().downcast_ref::<SdkError<ExecuteStatementError, HttpResponse>>();
        assert!(source.is_some());
    }
}
