//! The model of a template, with every intrinsic function resolved.
//!
//! Plain data: nothing here reads YAML and nothing here starts a service. Resources refer to one another by *logical id*, the
//! key below `Resources`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use local_aws::event_filter::EventFilter;
use local_aws::{Policy, ScheduleExpression};
use serde::Serialize;

pub use crate::collections::{Collection, DataAccess};

/// A template whose values are all known.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    pub functions: Vec<Function>,
    pub http_apis: Vec<HttpApi>,
    pub websocket_apis: Vec<WebSocketApi>,
    pub tables: Vec<Table>,
    pub buckets: Vec<Bucket>,
    /// `AWS::SQS::Queue`, dead-letter queues before the queues that name them
    pub queues: Vec<Queue>,
    /// `AWS::RDS::DBCluster` with the Data API enabled
    pub clusters: Vec<Cluster>,
    pub secrets: Vec<Secret>,
    pub user_pools: Vec<UserPool>,
    pub schedule_groups: Vec<ScheduleGroup>,
    /// `AWS::OpenSearchServerless::Collection`, one at most
    pub collections: Vec<Collection>,
    /// What the policies of data access grant
    pub data_access: Vec<DataAccess>,
    /// `AWS::CloudFormation::CustomResource` and `Custom::*`, in an order that respects `DependsOn`
    pub custom_resources: Vec<CustomResource>,
}

#[derive(Debug, Clone)]
pub struct Function {
    pub logical_id: String,
    /// `FunctionName`, or `<stack>-<logical id>`.
    pub name: String,
    pub arn: String,
    /// `CodeUri`, absolute: the folder of the crate (or workspace) that builds the binary.
    pub crate_dir: PathBuf,
    /// `Metadata.BuildProperties.Binary`: the name of the cargo binary.
    pub binary: String,
    /// `Metadata.LocalCloud.Binary` of the template: the binary that serves every function which calls it by the name of its own.
    pub shared_binary: Option<String>,
    /// `Architectures`. Binaries are built for this machine; it decides the price.
    pub architecture: Architecture,
    pub memory_mib: u32,
    pub timeout: Duration,
    /// `Environment.Variables`, `Globals` merged in.
    pub environment: BTreeMap<String, String>,
    pub reserved_concurrency: Option<u32>,
    /// Invocations that one process runs at once, with `CapacityProviderConfig`: the function runs on Managed Instances.
    pub max_concurrency: Option<u32>,
    /// Name of the role that SAM makes for it.
    pub role: String,
    /// The statements of that role: `Policies`, and what event sources need.
    pub policy: Policy,
    /// `Events` of type `SQS`.
    pub queue_events: Vec<QueueEvent>,
    /// `Events` of type `DynamoDB`.
    pub stream_events: Vec<StreamEvent>,
    /// `Events` of type `Schedule` and `ScheduleV2`.
    pub schedule_events: Vec<ScheduleEvent>,
    /// Retries and destinations by `EventInvokeConfig` and `DeadLetterQueue`.
    pub asynchronous: AsynchronousEvents,
    /// `RecursiveLoop: Allow`: the function is not stopped when it runs in a loop.
    pub recursive_loop_allowed: bool,
}

/// How often asynchronous events are tried, and where they go that fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsynchronousEvents {
    /// `MaximumEventAgeInSeconds`, six hours unless set.
    pub maximum_age: Duration,
    /// `MaximumRetryAttempts`, 2 unless set.
    pub maximum_retries: usize,
    /// `DestinationConfig.OnFailure`: logical id of the queue that gets a record of each event that failed.
    pub on_failure: Option<String>,
    /// `DeadLetterQueue`: logical id of the queue that gets the events that failed.
    pub dead_letter_queue: Option<String>,
}

impl Default for AsynchronousEvents {
    fn default() -> Self {
        Self { maximum_age: Duration::from_hours(6), maximum_retries: 2, on_failure: None, dead_letter_queue: None }
    }
}

/// The processors that a function runs on in AWS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    #[default]
    X86_64,
    Arm64,
}

/// An event source mapping from a queue to a function.
#[derive(Debug, Clone)]
pub struct QueueEvent {
    /// Logical id of the queue.
    pub queue: String,
    /// `BatchSize`, 10 unless set.
    pub batch_size: u32,
    /// `MaximumBatchingWindowInSeconds`, zero unless set.
    pub batching_window: Duration,
    pub report_batch_item_failures: bool,
    pub maximum_concurrency: Option<u32>,
    /// `FilterCriteria`: messages that do not match are deleted.
    pub filter: EventFilter,
}

/// An event source mapping from a table's stream to a function.
#[derive(Debug, Clone)]
pub struct StreamEvent {
    /// Logical id that SAM gives to the mapping: the function's, followed by the event's key.
    pub logical_id: String,
    /// Logical id of the table.
    pub table: String,
    pub stream_arn: String,
    /// `StartingPosition`: where reading begins the first time.
    pub starting_position: StartingPosition,
    /// `BatchSize`, 100 unless set.
    pub batch_size: usize,
    /// `MaximumBatchingWindowInSeconds`, zero unless set.
    pub batching_window: Duration,
    /// `ParallelizationFactor`, 1 unless set: batches of a shard at once, each with keys of its own.
    pub parallelization_factor: u64,
    /// `MaximumRetryAttempts`; `None` retries until the records expire.
    pub maximum_retry_attempts: Option<u32>,
    /// `MaximumRecordAgeInSeconds`; `None` is the stream's own 24 hours.
    pub maximum_record_age: Option<Duration>,
    pub bisect_batch_on_function_error: bool,
    pub report_batch_item_failures: bool,
    /// `DestinationConfig.OnFailure`: logical id of the queue that learns of discarded records.
    pub on_failure: Option<String>,
    /// `FilterCriteria`: records that do not match are passed over.
    pub filter: EventFilter,
}

/// The position at which the first read of a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartingPosition {
    /// The oldest record that is still there.
    TrimHorizon,
    /// Records from the start of the cloud on.
    Latest,
}

/// A schedule that invokes a function.
#[derive(Debug, Clone)]
pub struct ScheduleEvent {
    /// Of the rule (`events`) or of the schedule (`scheduler`).
    pub arn: String,
    pub expression: ScheduleExpression,
    /// `Input`, JSON that takes the place of the event.
    pub input: Option<String>,
}

/// One HTTP API on its `$default` stage.
#[derive(Debug, Clone)]
pub struct HttpApi {
    pub logical_id: String,
    pub api_id: String,
    /// Routes from the `HttpApi` events of all functions.
    pub routes: Vec<HttpRoute>,
    pub cors: Option<Cors>,
    /// `DefaultRouteSettings` and `RouteSettings`, by route key: `GET /path` or `$default`.
    pub route_limits: BTreeMap<String, RouteLimit>,
}

/// The requests that a route takes: `ThrottlingRateLimit` and `ThrottlingBurstLimit`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RouteLimit {
    /// Requests a second in the long run.
    pub rate: f64,
    pub burst: u32,
}

impl RouteLimit {
    /// The quota of an account over all of its APIs, unless AWS has raised it:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>.
    pub const ACCOUNT: Self = Self { rate: 10_000.0, burst: 5_000 };
}

/// The pages of other origins that may use an HTTP API. An empty list or `None` makes no header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors {
    /// `AllowOrigins`: `https://example.com`, `https://*` or `*`.
    pub allow_origins: Vec<String>,
    pub allow_methods: Vec<String>,
    pub allow_headers: Vec<String>,
    pub expose_headers: Vec<String>,
    /// `MaxAge` in seconds; -1 for a preflight every time.
    pub max_age: Option<i32>,
    pub allow_credentials: bool,
}

/// One route of an HTTP API.
#[derive(Debug, Clone)]
pub struct HttpRoute {
    /// Upper case, or `ANY`.
    pub method: String,
    /// As in the template: `/v1/users/{id}`, `/{proxy+}`. `$default`, with the method `ANY`, takes what no other route takes.
    pub path: String,
    /// Logical id of the function.
    pub function: String,
    /// `None`: the route is public.
    pub authorizer: Option<HttpAuthorizer>,
}

impl HttpRoute {
    /// As API Gateway names it: `GET /v1/users/{id}` or `$default`.
    pub fn key(&self) -> String {
        if self.path == "$default" { self.path.clone() } else { format!("{} {}", self.method, self.path) }
    }
}

/// The authorizer of requests to an HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpAuthorizer {
    /// The gateway itself, by a token.
    Jwt {
        authorizer: JwtAuthorizer,
        /// `AuthorizationScopes` of the route: the token has to have one of them, if there are any.
        scopes: Vec<String>,
    },
    Lambda(LambdaAuthorizer),
}

/// A Lambda authorizer of an HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LambdaAuthorizer {
    /// Its name in the API: routes with the same one share results.
    pub name: String,
    /// Logical id of the function.
    pub function: String,
    /// `AuthorizerPayloadFormatVersion`, and what the function answers.
    pub format: AuthorizerFormat,
    /// `$request.header.<name>`, `$request.querystring.<name>` or `$context.routeKey`: a request that lacks one of them gets
    /// 401 without an invocation. Their values are what results are kept under.
    pub identity_sources: Vec<String>,
    /// Time for which a result holds for requests with the same identity; zero keeps none.
    pub result_ttl: Duration,
}

/// The event and the answer of a Lambda authorizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizerFormat {
    /// 1.0; the answer is an IAM policy.
    One,
    /// 2.0; the answer is an IAM policy.
    Two,
    /// 2.0 with `EnableSimpleResponses`; the answer is `isAuthorized`.
    TwoSimple,
}

/// A JWT authorizer of an HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtAuthorizer {
    pub issuer: String,
    pub audience: Vec<String>,
    /// `IdentitySource`: `$request.header.Authorization` or another single header.
    pub identity_source: String,
}

#[derive(Debug, Clone)]
pub struct WebSocketApi {
    pub logical_id: String,
    pub api_id: String,
    /// `StageName`, `default` unless set.
    pub stage: String,
    /// `RouteSelectionExpression`, for example `$request.body.action`.
    pub route_selection_expression: String,
    /// `Auth` of type `CUSTOM`.
    pub authorizer: Option<RequestAuthorizer>,
    /// By route key, `$connect`, `$disconnect` and `$default` included.
    pub routes: BTreeMap<String, WebSocketRoute>,
    /// `DefaultRouteSettings` and `RouteSettings`, by route key.
    pub route_limits: BTreeMap<String, RouteLimit>,
}

/// A Lambda REQUEST authorizer on `$connect`.
#[derive(Debug, Clone)]
pub struct RequestAuthorizer {
    /// Logical id of the function.
    pub function: String,
    /// `IdentitySource`: with any, a `$connect` that lacks one of them gets 401 without an invocation.
    pub identity_sources: Vec<String>,
}

/// One route of a WebSocket API.
#[derive(Debug, Clone)]
pub struct WebSocketRoute {
    /// Logical id of the function.
    pub function: String,
    /// True if the function's reply goes to the client: the route has `RouteResponseSelectionExpression: $default` **and** an
    /// `AWS::ApiGatewayV2::RouteResponse` names the route.
    pub responds: bool,
    /// `IntegrationTimeout`, 29 s unless set.
    pub timeout: Duration,
}

#[derive(Debug, Clone)]
pub struct Table {
    pub logical_id: String,
    /// Physical name: what `!Ref` gives.
    pub name: String,
    /// The `CreateTable` request, `TableName` included, as JSON for the DynamoDB API.
    pub create_table: serde_json::Value,
    pub ttl_attribute: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Bucket {
    pub logical_id: String,
    /// Physical name: what `!Ref` gives.
    pub name: String,
    pub arn: String,
    /// The functions that get its changes: from the bucket's own properties and from the `S3` events of all functions.
    pub notifications: Vec<BucketNotification>,
    /// `CorsConfiguration.CorsRules`, of which the first that fits a request applies.
    pub cors: Vec<BucketCors>,
}

/// The pages of other origins that may use a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketCors {
    /// `AllowedOrigins`, each with at most one `*`.
    pub allowed_origins: Vec<String>,
    pub allowed_methods: Vec<String>,
    /// `AllowedHeaders`, each with at most one `*`.
    pub allowed_headers: Vec<String>,
    pub exposed_headers: Vec<String>,
    pub max_age: Option<u32>,
}

/// Invokes a function when an object changes.
#[derive(Debug, Clone)]
pub struct BucketNotification {
    /// `configurationId` in the event.
    pub id: String,
    /// Logical id of the function.
    pub function: String,
    pub events: Vec<String>,
    pub prefix: String,
    pub suffix: String,
}

#[derive(Debug, Clone)]
pub struct Queue {
    pub logical_id: String,
    pub name: String,
    pub url: String,
    pub arn: String,
    /// Attributes as `CreateQueue` takes them (`VisibilityTimeout`, `RedrivePolicy` as JSON text, …).
    pub attributes: BTreeMap<String, String>,
}

/// A group of one-time schedules, which functions create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleGroup {
    pub logical_id: String,
    /// `Name`, or `<stack>-<logical id>`.
    pub name: String,
}

/// One Aurora cluster, reached through the Data API.
#[derive(Debug, Clone)]
pub struct Cluster {
    pub logical_id: String,
    /// The value of `!GetAtt Cluster.DBClusterArn`; the Data API's `resourceArn`.
    pub arn: String,
    /// The value of `!GetAtt Cluster.MasterUserSecret.SecretArn`; the Data API's `secretArn`.
    pub secret_arn: String,
    pub database: String,
}

/// One secret of Secrets Manager.
#[derive(Debug, Clone)]
pub struct Secret {
    pub logical_id: String,
    pub name: String,
    /// The value of `!Ref Secret`.
    pub arn: String,
    pub content: SecretContent,
}

/// The first value of a secret.
#[derive(Debug, Clone)]
pub enum SecretContent {
    /// The value that `SecretString` gives.
    Given(String),
    /// A password by `GenerateSecretString`, made at the first start.
    Generated(GeneratedPassword),
}

/// A random password, alone or as a key of a JSON object.
#[derive(Debug, Clone)]
pub struct GeneratedPassword {
    /// The JSON of `SecretStringTemplate`, and the key that the password gets in it.
    pub within: Option<(String, String)>,
    pub length: usize,
    /// The characters that it is made of.
    pub alphabet: Vec<char>,
}

/// One Cognito user pool, played by the local issuer.
#[derive(Debug, Clone)]
pub struct UserPool {
    pub logical_id: String,
    pub id: String,
    /// The value of `!GetAtt Pool.ProviderURL`: the `iss` of its tokens, the same for every port.
    pub issuer: String,
    /// Its clients: the audiences that it issues tokens for.
    pub clients: Vec<UserPoolClient>,
}

/// One client of a user pool.
#[derive(Debug, Clone)]
pub struct UserPoolClient {
    pub id: String,
    /// `AccessTokenValidity` in the unit that `TokenValidityUnits` names, an hour unless set.
    pub access_token_lifetime: Duration,
    pub credentials: Option<ClientCredentials>,
}

/// The secret and `AllowedOAuthScopes` of a client with the flow `client_credentials`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    pub secret: String,
    pub scopes: Vec<String>,
}

/// A resource that a function of the stack creates: the function is invoked with CloudFormation's event.
#[derive(Debug, Clone)]
pub struct CustomResource {
    pub logical_id: String,
    /// `Type`, for example `Custom::Migrations`.
    pub resource_type: String,
    /// Logical id of the function that `ServiceToken` names.
    pub function: String,
    pub properties: serde_json::Value,
}
