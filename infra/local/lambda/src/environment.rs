//! The environment variables that a function's process sees.
//!
//! Nothing of the developer's shell but what a process needs to run at all: a handler that leans on more would fail on
//! AWS. Names and values follow "Defined runtime environment variables" in the Lambda developer guide, for an OS-only
//! runtime (`AWS_EXECUTION_ENV` is not defined there).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use local_aws::Keys;
use local_template::deferred::CustomValues;
use local_template::model::Function;
use uuid::Uuid;

/// Variables that are passed on from the local cloud's own environment.
const INHERITED: [&str; 5] = ["PATH", "TMPDIR", "TMP", "TEMP", "SYSTEMROOT"];

/// Addresses of the other services, for functions.
#[derive(Debug, Clone, Default)]
pub struct Services {
    /// Value of `AWS_REGION` for functions.
    pub region: String,
    /// Variable and value, for example `AWS_ENDPOINT_URL_SQS` and `http://127.0.0.1:4100`. A function's own variable of the
    /// same name wins.
    pub endpoints: BTreeMap<String, String>,
    /// Values of custom resources that functions' variables may wait for.
    pub custom_values: CustomValues,
    /// The keys that functions sign with.
    pub keys: Keys,
}

/// All variables of one instance of `function`, whose Runtime API listens on `runtime_api`.
pub(crate) fn variables(
    function: &Function,
    executable: &Path,
    services: &Services,
    runtime_api: SocketAddr,
    instance: &str,
) -> BTreeMap<String, String> {
    let inherited = INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    let mut variables: BTreeMap<String, String> = inherited.collect();
    variables.extend(services.endpoints.clone());
    variables.extend(function.environment.iter().map(|(name, text)| {
        let value = services.custom_values.fill(text).unwrap_or_else(|unknown| {
            // The start of the cloud fails over it unless this is an invocation from outside that came before.
            tracing::warn!(function = function.logical_id, variable = name, %unknown, "variable left empty");
            String::new()
        });
        (name.clone(), value)
    }));
    // Last, because AWS refuses to create a function that sets one of these.
    variables.extend(reserved(function, executable, services, runtime_api, instance));
    variables
}

/// The version that an unqualified name invokes.
pub(crate) fn version(function: &Function) -> &'static str {
    if function.max_concurrency.is_some() { "$LATEST.PUBLISHED" } else { "$LATEST" }
}

fn reserved(
    function: &Function,
    executable: &Path,
    services: &Services,
    runtime_api: SocketAddr,
    instance: &str,
) -> impl Iterator<Item = (String, String)> {
    let credentials = services.keys.of_instance(&function.logical_id, instance);
    let task_root = executable.parent().unwrap_or(Path::new("/")).display().to_string();
    let today = time::OffsetDateTime::now_utc();
    let log_stream = format!(
        "{}/{:02}/{:02}/[{}]{}",
        today.year(),
        u8::from(today.month()),
        today.day(),
        version(function),
        Uuid::new_v4().simple()
    );
    let concurrency = function.max_concurrency;
    let initialization_type = if concurrency.is_some() { "lambda-managed-instances" } else { "on-demand" };
    let concurrency = concurrency.map(|count| ("AWS_LAMBDA_MAX_CONCURRENCY", count.to_string()));
    [
        ("_HANDLER", "bootstrap".to_owned()),
        // Each request that a process signs says by these two which function and which instance it comes from.
        ("AWS_ACCESS_KEY_ID", credentials.access_key),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_key),
        ("AWS_SESSION_TOKEN", credentials.session_token.unwrap_or_default()),
        ("AWS_REGION", services.region.clone()),
        ("AWS_DEFAULT_REGION", services.region.clone()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", version(function).to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mib.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", initialization_type.to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.name)),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream),
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("LAMBDA_TASK_ROOT", task_root.clone()),
        ("LAMBDA_RUNTIME_DIR", task_root),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ]
    .into_iter()
    .chain(concurrency)
    .map(|(name, value)| (name.to_owned(), value))
}
