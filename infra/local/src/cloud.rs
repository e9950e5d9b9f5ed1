//! Starts all that a template asks for, in an order in which everything finds what it needs, and stops it backwards.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::aurora::{Database, data_api, postgres::Postgres};
use crate::data_dir::DataDir;
use crate::dynamodb::Tables;
use crate::lambda::build::{self, Profile, Progress};
use crate::lambda::{FunctionSetup, Lambda, LogSink, Services};
use crate::listeners::{Listeners, Ports, ServiceAddresses};
use crate::oidc::{self, Issuer};
use crate::sqs::{self, Sqs};
use crate::stage::{ServiceError, Stage};
use crate::template::Template;
use crate::template::model::Stack;
use crate::{Endpoints, StartError, custom_resource, http_api, websocket_api};

const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";
const STACK: &str = "local";

/// What to run and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The SAM template.
    pub template: PathBuf,
    /// Values of the template's parameters, over their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Where people reach it.
    pub ports: Ports,
    /// The folder that keeps tables, queues, databases and the issuer's key; `None` keeps nothing.
    pub data_dir: Option<PathBuf>,
    /// A running PostgreSQL to use instead of starting one.
    pub database_url: Option<String>,
    /// How to build the functions.
    pub profile: Profile,
    /// Whether to show cargo's output.
    pub progress: Progress,
}

/// A running cloud. Dropping it stops everything without waiting and without saving the queues: use [`Cloud::stop`].
pub struct Cloud {
    endpoints: Endpoints,
    issuer: Issuer,
    failures: UnboundedReceiver<ServiceError>,
    /// What brings work in: APIs and event sources.
    front: Stage,
    lambda: Lambda,
    functions: DropGuard,
    /// What functions use.
    services: Stage,
    engines: Engines,
    /// Locked until all of the above has stopped.
    _data_dir: Option<DataDir>,
}

/// What holds data.
struct Engines {
    sqs: Sqs,
    tables: Tables,
    database: Option<Database>,
    /// `None` where there is no cluster, or where another server is used.
    postgres: Option<Postgres>,
}

impl Cloud {
    /// Starts everything and returns when all of it takes requests.
    ///
    /// # Errors
    /// The first thing that fails; what had started is stopped. `interrupt` gives up with [`StartError::Interrupted`].
    pub async fn start(options: Options, interrupt: &CancellationToken) -> Result<Self, StartError> {
        tokio::select! {
            started = Self::start_all(options) => started,
            () = interrupt.cancelled() => Err(StartError::Interrupted),
        }
    }

    async fn start_all(options: Options) -> Result<Self, StartError> {
        let template = Template::read(&options.template)?;
        let mut listeners = Listeners::bind(&template, options.ports).await?;
        let addresses = listeners.for_template(REGION, ACCOUNT, STACK);
        let stack = template.resolve(&addresses, &options.parameters)?;
        let data_dir = options.data_dir.as_deref().map(DataDir::open).transpose()?;
        let issuer_key = data_dir.as_ref().map(DataDir::issuer_key);
        let issuer = Issuer::load_or_create(issuer_key.as_deref(), stack.user_pools.clone())?;

        let build = async {
            tracing::info!("building the functions");
            Ok(build::build(&stack.functions, options.profile, options.progress).await?)
        };
        let database_url = options.database_url.as_deref();
        let engines = Engines::start(&stack, listeners.addresses.sqs, data_dir.as_ref(), database_url);
        let (executables, engines) = tokio::try_join!(build, engines)?;

        let (failed, mut failures) = unbounded_channel();
        let services = Stage::new("services", failed.clone());
        let front = Stage::new("APIs and event sources", failed);
        let functions = CancellationToken::new().drop_guard();
        let endpoints = endpoints(&stack, &listeners.addresses);
        let lambda = Lambda::new(
            setups(&stack, executables),
            &environment(&endpoints, &listeners.addresses),
            &LogSink::stderr(),
            functions.token().clone(),
        );
        let mut apis = std::mem::take(&mut listeners.apis);
        serve_services(&services, &stack, listeners, &engines, &issuer);
        let stack_id = addresses.stack_id();
        tokio::select! {
            created = custom_resource::create(&stack.custom_resources, &stack_id, &lambda) => created?,
            Some(failure) = failures.recv() => return Err(failure.into()),
        }
        serve_front(&front, &stack, &mut apis, &engines.sqs, &lambda, &issuer);
        Ok(Self { endpoints, issuer, failures, front, lambda, functions, services, engines, _data_dir: data_dir })
    }

    /// Where everything is.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Who issues tokens for the stack's user pools.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Waits until a service ends that should not; usually for ever.
    pub async fn failed(&mut self) -> ServiceError {
        match self.failures.recv().await {
            Some(failure) => failure,
            // Cannot be: the stages hold senders.
            None => std::future::pending().await,
        }
    }

    /// Stops everything: first what brings work in, then the functions, then what they use. Saves the queues.
    pub async fn stop(self) {
        self.front.stop().await;
        drop(self.functions);
        self.lambda.stopped().await;
        self.services.stop().await;
        self.engines.stop().await;
    }
}

impl Engines {
    async fn start(
        stack: &Stack,
        sqs: std::net::SocketAddr,
        data_dir: Option<&DataDir>,
        database_url: Option<&str>,
    ) -> Result<Self, StartError> {
        let tables_dir = data_dir.map(DataDir::dynamodb);
        let tables = Tables::open(tables_dir.as_deref(), &stack.tables)?;
        let sqs = Sqs::start(REGION, ACCOUNT, sqs, &stack.queues, data_dir.map(DataDir::sqs)).await?;
        let (postgres, database) = match database_url {
            _ if stack.clusters.is_empty() => (None, None),
            Some(url) => (None, Some(url.parse().map_err(StartError::DatabaseUrl)?)),
            None => {
                tracing::info!("starting PostgreSQL");
                let folder = data_dir.map(DataDir::postgres);
                let postgres = Postgres::start(folder.as_deref()).await?;
                let database = postgres.database();
                (Some(postgres), Some(database))
            }
        };
        Ok(Self { sqs, tables, database, postgres })
    }

    /// Problems are logged: nothing is left that could act on them.
    async fn stop(self) {
        if let Err(error) = self.sqs.save().await {
            tracing::error!(%error, "the messages of the queues are lost");
        }
        if let Some(postgres) = self.postgres
            && let Err(error) = postgres.stop().await
        {
            tracing::error!(%error, "PostgreSQL did not stop cleanly");
        }
    }
}

fn serve_services(stage: &Stage, stack: &Stack, listeners: Listeners, engines: &Engines, issuer: &Issuer) {
    let Listeners { dynamodb, sqs: queues, rds_data, oidc: tokens, .. } = listeners;
    let tables = engines.tables.clone();
    stage.serve("DynamoDB", |shutdown| async move { tables.serve(dynamodb, shutdown).await });
    let sqs = engines.sqs.clone();
    stage.serve("SQS", |shutdown| async move { sqs.serve(queues, shutdown).await });
    let issuer = issuer.clone();
    stage.serve("the issuer of tokens", |shutdown| oidc::serve(tokens, issuer, shutdown));
    if let Some(database) = engines.database.clone() {
        let clusters = stack.clusters.clone();
        stage.serve("the RDS Data API", |shutdown| data_api::serve(rds_data, database, clusters, shutdown));
    }
}

fn serve_front(
    stage: &Stage,
    stack: &Stack,
    listeners: &mut BTreeMap<String, tokio::net::TcpListener>,
    sqs: &Sqs,
    lambda: &Lambda,
    issuer: &Issuer,
) {
    for api in stack.http_apis.iter().cloned() {
        // The template named all of its APIs before their listeners were bound.
        let Some(listener) = listeners.remove(&api.logical_id) else { continue };
        let (lambda, issuer) = (lambda.clone(), issuer.clone());
        let name = format!("the HTTP API `{}`", api.logical_id);
        stage.serve(name, |shutdown| http_api::serve(listener, api, lambda, issuer, shutdown));
    }
    for api in stack.websocket_apis.iter().cloned() {
        let Some(listener) = listeners.remove(&api.logical_id) else { continue };
        let lambda = lambda.clone();
        let name = format!("the WebSocket API `{}`", api.logical_id);
        stage.serve(name, |shutdown| websocket_api::serve(listener, api, lambda, shutdown));
    }
    for function in &stack.functions {
        for event in function.queue_events.iter().cloned() {
            // The template resolved the event's queue to one of the stack's.
            let Some(queue) = stack.queues.iter().find(|queue| queue.logical_id == event.queue) else { continue };
            let (sqs, queue, function, lambda) = (sqs.clone(), queue.clone(), function.clone(), lambda.clone());
            let name = format!("the event source from `{}` to `{}`", queue.logical_id, function.logical_id);
            stage.serve(name, |shutdown| async move {
                sqs::event_source::run(sqs, queue, event, function, lambda, shutdown).await;
                Ok(())
            });
        }
    }
}

fn setups(stack: &Stack, mut executables: BTreeMap<String, PathBuf>) -> Vec<FunctionSetup> {
    // `build` gives an executable for every function or an error.
    let setup = |function: &crate::template::model::Function| {
        let executable = executables.remove(&function.logical_id)?;
        Some(FunctionSetup { function: function.clone(), executable })
    };
    stack.functions.iter().filter_map(setup).collect()
}

fn endpoints(stack: &Stack, addresses: &ServiceAddresses) -> Endpoints {
    let url = |address| format!("http://{address}");
    let address = |id: &str| addresses.apis.get(id);
    let http = stack.http_apis.iter().filter_map(|api| {
        Some((api.logical_id.clone(), url(address(&api.logical_id)?)))
    });
    let websocket = stack.websocket_apis.iter().filter_map(|api| {
        Some((api.logical_id.clone(), format!("ws://{}/{}", address(&api.logical_id)?, api.stage)))
    });
    let (http, websocket): (Vec<_>, Vec<_>) = (http.collect(), websocket.collect());
    let first = |apis: &[(String, String)]| apis.first().map(|(_, url)| url.clone());
    let mut aws = BTreeMap::from([
        ("dynamodb".to_owned(), url(&addresses.dynamodb)),
        ("sqs".to_owned(), url(&addresses.sqs)),
    ]);
    if !stack.clusters.is_empty() {
        aws.insert("rds-data".to_owned(), url(&addresses.rds_data));
    }
    if let Some(websocket) = first(&websocket) {
        aws.insert("apigatewaymanagementapi".to_owned(), websocket.replacen("ws://", "http://", 1));
    }
    Endpoints {
        http: first(&http),
        websocket: first(&websocket),
        apis: http.into_iter().chain(websocket).collect(),
        oidc_token: format!("{}/token", url(&addresses.oidc)),
        aws,
    }
}

/// The variables by which AWS's SDKs find the services:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html>.
fn environment(endpoints: &Endpoints, addresses: &ServiceAddresses) -> Services {
    let variable = |service: &str| format!("AWS_ENDPOINT_URL_{}", service.to_uppercase().replace('-', "_"));
    let services = endpoints.aws.iter().map(|(service, url)| (variable(service), url.clone()));
    let issuer = (variable("cognito-identity-provider"), format!("http://{}", addresses.oidc));
    Services { region: REGION.to_owned(), endpoints: services.chain([issuer]).collect() }
}
