//! Starts all that a template asks for, in an order in which everything finds what it needs, and stops it backwards.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use local_aurora::data_api;
use local_aws::call::Owner;
use local_aws::{ACCOUNT, REGION, Service};
use local_gate::Gate;
use local_gateway::oidc::Issuer;
use local_gateway::throttle::Account;
use local_gateway::{http_api, oidc, websocket_api};
use local_lambda::asynchronous::{self, EventQueue, Retries};
use local_lambda::build::Progress;
use local_lambda::log_feed::LogFeed;
use local_lambda::watch::Watch;
use local_lambda::{FunctionSetup, InvokeEndpoint, Lambda, Services, build, invoke_api};
use local_opensearch::OpenSearch;
use local_scheduler::Scheduler;
use local_template::deferred::CustomValues;
use local_template::model::{Collection, Stack};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::control::Control;
use crate::data_dir::DataDir;
use crate::engines::Engines;
use crate::listeners::{Gated, Listeners};
use crate::meter::MeterReader;
use crate::preflight::{Ready, STACK};
use crate::stage::{ServiceError, Stage};
use crate::{
    Endpoints, Options, StartError, access, control, custom_resource, event_sources, preflight, shell_environment,
};

/// A running cloud. Dropping it stops everything without waiting: use [`Cloud::stop`].
pub struct Cloud {
    endpoints: Endpoints,
    issuer: Issuer,
    failures: UnboundedReceiver<ServiceError>,
    /// The stage that brings work in: APIs and event sources.
    front: Stage,
    lambda: Lambda,
    /// Limits that all APIs share.
    limits: websocket_api::Limits,
    control: Control,
    functions: DropGuard,
    services: Stage,
    engines: Engines,
    /// Locked until all of the above has stopped.
    data_dir: Option<DataDir>,
}

/// Services that start once the custom resources exist: their listeners let clients wait.
struct Waiting {
    stack: Stack,
    stack_id: String,
    /// Functions' variables wait for them, too.
    custom_values: CustomValues,
    apis: BTreeMap<String, TcpListener>,
    /// Endpoint of functions that run elsewhere, and the file with their environment.
    elsewhere: Option<(InvokeEndpoint, Option<PathBuf>)>,
    watch: Option<Watch>,
}

impl Cloud {
    /// Starts everything and returns when all of it takes requests.
    ///
    /// # Errors
    /// The first thing that fails; what had started is stopped. `interrupt` gives up with [`StartError::Interrupted`].
    pub async fn start(options: Options, interrupt: &CancellationToken) -> Result<Self, StartError> {
        let (mut cloud, waiting) = tokio::select! {
            // First: Ctrl-C reaches cargo, too, whose end is no failure then.
            biased;
            () = interrupt.cancelled() => return Err(StartError::Interrupted),
            prepared = Self::prepare(options) => prepared?,
        };
        let Waiting { stack, stack_id, custom_values, apis, elsewhere, watch } = waiting;
        let create = async {
            if let Some((endpoint, environment)) = elsewhere {
                endpoint.listening(environment.as_deref()).await;
            }
            custom_resource::create(&stack, &stack_id, &cloud.lambda, &custom_values).await
        };
        let created = tokio::select! {
            created = create => created.map_err(StartError::from),
            Some(failure) = cloud.failures.recv() => Err(failure.into()),
            () = interrupt.cancelled() => Err(StartError::Interrupted),
        };
        if let Err(error) = created {
            cloud.stop().await;
            return Err(error);
        }
        cloud.serve_front(&stack, apis);
        if let Some(watch) = watch {
            cloud.lambda.reload_rebuilt();
            cloud.front.serve("the watch of the sources", |shutdown| watch.run(shutdown));
        }
        Ok(cloud)
    }

    /// Everything that functions need, and the functions. Dropping the future half-way stops what it had started.
    async fn prepare(options: Options) -> Result<(Self, Waiting), StartError> {
        let Ready { stack, mut listeners, data_dir } = preflight::check(&options).await?;
        let stack_id = listeners.for_template(REGION, ACCOUNT, STACK).stack_id();
        let issuer_key = data_dir.as_ref().map(DataDir::issuer_key);
        let mut user_pools = stack.user_pools.clone();
        if let Some(lifetime) = options.token_lifetime {
            for client in user_pools.iter_mut().flat_map(|pool| &mut pool.clients) {
                client.access_token_lifetime = lifetime;
            }
        }
        let issuer = Issuer::load_or_create(issuer_key.as_deref(), user_pools)?;

        let build = async {
            if options.lambda_endpoint.is_some() {
                return Ok((BTreeMap::new(), None));
            }
            // Before the build, which takes the sources as they are when it starts.
            let watch = if options.watch { Some(watch(&options, &stack).await?) } else { None };
            tracing::info!("building the functions");
            Ok((build::build(&stack.functions, &options.profile, &options.progress).await?, watch))
        };
        let engines = Engines::start(&stack, listeners.addresses.sqs, data_dir.as_ref(), options.database.clone());
        let ((executables, watch), mut engines) = tokio::try_join!(build, engines)?;

        let (failed, failures) = unbounded_channel();
        let services = Stage::new("services", failed.clone());
        let front = Stage::new("APIs and event sources", failed);
        let functions = CancellationToken::new().drop_guard();
        let endpoints = Endpoints::of(&stack, &listeners.addresses);
        let custom_values = CustomValues::default();
        let access = access::open(&stack, data_dir.as_ref(), options.permissions, options.denials)?;
        let services_of_functions = Services {
            region: REGION.to_owned(),
            endpoints: endpoints.variables(&listeners.addresses),
            custom_values: custom_values.clone(),
            keys: access.keys().clone(),
        };
        if let Some(file) = &options.environment {
            shell_environment::write(file, &stack.functions, &services_of_functions)
                .map_err(|source| StartError::Environment { file: file.clone(), source })?;
        }
        let lambda = match &options.lambda_endpoint {
            Some(endpoint) => Lambda::forwarding(&stack.functions, endpoint, functions.token().clone()),
            None => Lambda::new(
                setups(&stack, executables, options.concurrency),
                &services_of_functions,
                &options.log.clone().feeding(options.ui.clone()),
                functions.token().clone(),
            ),
        };
        let events = data_dir.as_ref().map(DataDir::events);
        let events = EventQueue::open(&stack.functions, events.clone(), engines.report(&stack))
            .map_err(|source| StartError::DataDir { folder: events.unwrap_or_default(), source })?;
        lambda.set_event_queue(events);
        let limits = websocket_api::Limits {
            idle: options.websocket_idle,
            lifetime: options.websocket_lifetime,
            account: Arc::new(if options.unthrottled { Account::unlimited() } else { Account::default() }),
            ..Default::default()
        };
        let apis = std::mem::take(&mut listeners.apis);
        let gate = Gate::with_access(lambda.clone(), Some(engines.tables.clone()), access);
        let control = control(&stack, &lambda, gate, engines.scheduler.clone(), options.ui);
        serve_services(&services, &stack, listeners, &mut engines, &issuer, &control);
        let cloud = Self {
            endpoints,
            issuer,
            failures,
            front,
            lambda,
            limits,
            control,
            functions,
            services,
            engines,
            data_dir,
        };
        let elsewhere = options.lambda_endpoint.map(|endpoint| (endpoint, options.environment));
        Ok((cloud, Waiting { stack, stack_id, custom_values, apis, elsewhere, watch }))
    }

    /// Returns the addresses of all services.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Returns the issuer of tokens for the stack's user pools.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Returns the reader of the meter, since the start or its last reset.
    pub fn meter(&self) -> &MeterReader {
        &self.control.sources
    }

    /// Returns true if the control endpoint has its page.
    pub fn has_ui(&self) -> bool {
        self.control.ui.is_some()
    }

    /// Waits until a service ends that should not; usually for ever.
    pub async fn failed(&mut self) -> ServiceError {
        match self.failures.recv().await {
            Some(failure) => failure,
            // Cannot be: the stages hold senders.
            None => std::future::pending().await,
        }
    }

    fn serve_front(&self, stack: &Stack, mut listeners: BTreeMap<String, TcpListener>) {
        let Self { front: stage, lambda, issuer, control, engines, .. } = self;
        let Control { gate, sources, .. } = control;
        for api in stack.http_apis.iter().cloned() {
            // The template named all of its APIs before their listeners were bound.
            let Some(listener) = listeners.remove(&api.logical_id) else {
                continue;
            };
            let (lambda, issuer, account) = (lambda.clone(), issuer.clone(), self.limits.account.clone());
            let name = format!("the HTTP API `{}`", api.logical_id);
            let stats = sources.http_apis.get(&api.logical_id).cloned().unwrap_or_default();
            stage.serve(name, |shutdown| http_api::serve_with(listener, api, lambda, issuer, account, stats, shutdown));
        }
        for api in stack.websocket_apis.iter().cloned() {
            let Some(listener) = listeners.remove(&api.logical_id) else {
                continue;
            };
            let (lambda, gate) = (lambda.clone(), gate.clone());
            let name = format!("the WebSocket API `{}`", api.logical_id);
            let stats = sources.websocket_apis.get(&api.logical_id).cloned().unwrap_or_default();
            let limits = self.limits.clone();
            stage.serve(name, |shutdown| {
                websocket_api::serve_with(listener, api, lambda, gate, limits, stats, shutdown)
            });
        }
        let resumed = lambda.clone();
        stage.serve("the events of the last run", |shutdown| {
            asynchronous::resume(resumed, Retries::default(), shutdown)
        });
        event_sources::serve(stage, stack, engines, lambda, &sources.meter, self.data_dir.as_ref());
    }

    /// Stops everything: first what brings work in, then the functions, then what they use.
    pub async fn stop(self) {
        self.front.stop().await;
        drop(self.functions);
        self.lambda.stopped().await;
        self.services.stop().await;
        self.engines.stop().await;
    }
}

async fn watch(options: &Options, stack: &Stack) -> Result<Watch, StartError> {
    let sink = options.log.clone().feeding(options.ui.clone());
    let progress = match options.progress {
        // One line of a terminal may be taken when functions are built again; lines of a log go above it.
        Progress::Shown => Progress::Logged { sink, colours: io::stderr().is_terminal() },
        ref other => other.clone(),
    };
    let data = options.data_dir.as_deref();
    Ok(Watch::begin(&options.template, &stack.functions, data, options.profile.clone(), progress).await?)
}

fn control(stack: &Stack, lambda: &Lambda, gate: Gate, scheduler: Scheduler, ui: Option<LogFeed>) -> Control {
    let http_apis = stack.http_apis.iter().map(|api| (api.logical_id.clone(), Arc::default()));
    let websocket_apis = stack.websocket_apis.iter().map(|api| (api.logical_id.clone(), Arc::default()));
    let sources = MeterReader {
        meter: gate.meter().clone(),
        lambda: lambda.clone(),
        http_apis: http_apis.collect(),
        websocket_apis: websocket_apis.collect(),
    };
    Control { gate, sources, scheduler, ui }
}

fn serve_services(
    stage: &Stage,
    stack: &Stack,
    listeners: Listeners,
    engines: &mut Engines,
    issuer: &Issuer,
    control: &Control,
) {
    let Listeners {
        dynamodb,
        s3,
        sqs: queues,
        rds_data,
        secrets,
        scheduler: one_time,
        opensearch,
        lambda: invocations,
        oidc: tokens,
        control: controls,
        ..
    } = listeners;
    let lambda = &control.sources.lambda;
    let gate = |service: Service, Gated { front, back, back_address }: Gated| {
        let gate = control.gate.clone();
        let name = format!("the gate to {service}");
        stage.serve(name, |shutdown| local_gate::serve(front, service, back_address, gate, shutdown));
        back
    };
    let tables = engines.tables.clone();
    let back = gate(Service::Dynamodb, dynamodb);
    stage.serve("DynamoDB", |shutdown| async move { tables.serve(back, shutdown).await });
    if !stack.buckets.is_empty() {
        let (buckets, access, lambda) = (engines.buckets.clone(), control.gate.access().clone(), lambda.clone());
        stage.serve("S3", |shutdown| async move { buckets.serve(REGION, access, lambda, s3, shutdown).await });
    }
    if !stack.secrets.is_empty() {
        let (values, access) = (engines.secrets.clone(), control.gate.access().clone());
        stage.serve("Secrets Manager", |shutdown| values.serve(access, secrets, shutdown));
    }
    let sqs = engines.sqs.clone();
    let back = gate(Service::Sqs, queues);
    stage.serve("SQS", |shutdown| async move { sqs.serve(back, shutdown).await });
    if !stack.schedule_groups.is_empty() {
        let scheduler = engines.scheduler.clone();
        let back = gate(Service::Scheduler, one_time);
        stage.serve("EventBridge Scheduler", |shutdown| async move { scheduler.serve(back, shutdown).await });
    }
    if let (Some(engine), [collection]) = (engines.opensearch.take(), stack.collections.as_slice()) {
        serve_collection(stage, collection, engine, opensearch, control.gate.clone());
    }
    let (functions, lambda, access) = (stack.functions.clone(), lambda.clone(), control.gate.access().clone());
    stage.serve("Lambda's Invoke API", |shutdown| {
        invoke_api::serve(invocations, functions, lambda, access, Retries::default(), shutdown)
    });
    let control = control.clone();
    stage.serve("the control endpoint", |shutdown| control::serve(controls, control, shutdown));
    let issuer = issuer.clone();
    stage.serve("the issuer of tokens", |shutdown| oidc::serve(tokens, issuer, shutdown));
    if let Some(database) = engines.database.clone() {
        let clusters = stack.clusters.clone();
        let back = gate(Service::RdsData, rds_data);
        stage.serve("the RDS Data API", |shutdown| data_api::serve(back, database, clusters, shutdown));
    }
}

fn serve_collection(stage: &Stage, collection: &Collection, engine: OpenSearch, sockets: Gated, gate: Gate) {
    let Gated { front, back, back_address } = sockets;
    let owner = Owner::Collection { arn: collection.arn.clone(), name: collection.name.clone() };
    stage.serve("the gate to opensearch", |shutdown| {
        local_gate::serve_opensearch(front, owner, back_address, gate, shutdown)
    });
    stage.serve("OpenSearch", |shutdown| engine.serve(back, shutdown));
}

fn setups(stack: &Stack, mut executables: BTreeMap<String, PathBuf>, concurrency: Option<u32>) -> Vec<FunctionSetup> {
    // `build` gives an executable for every function or an error.
    let setup = |function: &local_template::model::Function| {
        let executable = executables.remove(&function.logical_id)?;
        let max_concurrency = function.max_concurrency.or(concurrency);
        Some(FunctionSetup {
            function: local_template::model::Function { max_concurrency, ..function.clone() },
            executable,
        })
    };
    stack.functions.iter().filter_map(setup).collect()
}
