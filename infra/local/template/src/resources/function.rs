//! The resource type `AWS::Serverless::Function`.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::model::{Architecture, Function};
use super::super::resource::Resource;
use super::super::scope::{Scope, URL_SUFFIX};
use super::super::shape::Shape;
use super::super::yaml::Node;
use super::capacity;
use super::function_events;
use super::function_policies;
use super::function_shape::{SHAPE, TYPE};

const ENVIRONMENT: Shape = Shape { place: "`Environment`", supported: &["Variables"], ignored: &[] };

/// Runtimes that run a binary.
const RUNTIMES: [&str; 2] = ["provided.al2023", "provided.al2"];

/// The only way of building that the local cloud knows:
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/building-rust.html>.
const BUILD_METHOD: &str = "rust-cargolambda";

const MEMORY_MIB: std::ops::RangeInclusive<u32> = 128..=10_240;
const TIMEOUT_SECONDS: std::ops::RangeInclusive<u64> = 1..=900;

pub(super) fn attribute(scope: &Scope<'_>, resource: &Resource, name: &str) -> Result<Option<String>, Fault> {
    (name == "Arn").then(|| arn(scope, resource)).transpose()
}

fn arn(scope: &Scope<'_>, resource: &Resource) -> Result<String, Fault> {
    Ok(scope.arn("lambda", &format!("function:{}", resource.name(scope, "FunctionName")?)))
}

/// Reads a function with its events, except those of type `HttpApi`.
pub(crate) fn read(scope: &Scope<'_>, resource: &Resource) -> Result<Function, Fault> {
    let fields = resource.fields(scope, &SHAPE)?;
    fields.one_of("PackageType", &["Zip"])?;
    if fields.one_of("Runtime", &RUNTIMES)?.is_none() {
        return Err(fields.missing("Runtime"));
    }
    let timeout = Duration::from_secs(fields.number("Timeout", TIMEOUT_SECONDS)?.unwrap_or(3));
    let queue_events = function_events::queue_events(scope, resource, timeout)?;
    let stream_events = function_events::stream_events(scope, resource)?;
    let sources = [
        (!queue_events.is_empty()).then_some(function_policies::QUEUE_SOURCE),
        (!stream_events.is_empty()).then_some(function_policies::STREAM_SOURCE),
    ];
    let memory_mib = fields.number("MemorySize", MEMORY_MIB)?.unwrap_or(*MEMORY_MIB.start());
    Ok(Function {
        logical_id: resource.id.clone(),
        name: resource.name(scope, "FunctionName")?,
        arn: arn(scope, resource)?,
        crate_dir: code_folder(&scope.template.folder, &fields)?,
        binary: binary(resource)?,
        shared_binary: scope.template.metadata.binary.clone(),
        architecture: architecture(&fields)?,
        memory_mib,
        timeout,
        environment: environment(scope, &fields)?,
        reserved_concurrency: fields.number("ReservedConcurrentExecutions", 0..=100_000)?,
        max_concurrency: capacity::max_concurrency(&fields, memory_mib)?,
        role: scope.physical_name(&format!("{}Role", resource.id)),
        policy: function_policies::read(scope, &fields, &sources)?,
        queue_events,
        stream_events,
        schedule_events: function_events::schedule_events(scope, resource)?,
        asynchronous: function_events::asynchronous_events(scope, &fields)?,
        recursive_loop_allowed: fields.one_of("RecursiveLoop", &["Allow", "Terminate"])?.as_deref() == Some("Allow"),
    })
}

/// The one entry of `Architectures`.
fn architecture(fields: &Fields<'_>) -> Result<Architecture, Fault> {
    let line = fields.line("Architectures");
    match fields.texts("Architectures")?.as_slice() {
        [] => Ok(Architecture::default()),
        [one] if one == "x86_64" => Ok(Architecture::X86_64),
        [one] if one == "arm64" => Ok(Architecture::Arm64),
        [other] => Err(Fault::unknown_value(line, "`Architectures`", other, ["x86_64", "arm64"])),
        _ => Err(Fault::invalid(line, "a function has one of `Architectures`")),
    }
}

fn environment(scope: &Scope<'_>, fields: &Fields<'_>) -> Result<BTreeMap<String, String>, Fault> {
    let Some(environment) = fields.object("Environment", &ENVIRONMENT)? else {
        return Ok(BTreeMap::new());
    };
    let variables = environment.entries("Variables")?;
    let value = |node| scope.deferring(|| scope.text(node)).map(|text| reachable(scope, text));
    variables.into_iter().map(|(entry, node)| Ok((entry.key.clone(), value(node)?))).collect()
}

/// Puts an API's local address in the place of the host name that templates make of its id, which leads to AWS:
/// `https://<id>.execute-api.<region>.amazonaws.com` and the same with `wss`.
fn reachable(scope: &Scope<'_>, mut text: String) -> String {
    for (id, address) in &scope.addresses.apis {
        for (scheme, local_scheme) in [("https", "http"), ("wss", "ws")] {
            let host = format!("{id}.execute-api.{}.{URL_SUFFIX}", scope.addresses.region);
            text = text.replace(&format!("{scheme}://{host}"), &format!("{local_scheme}://{address}"));
        }
    }
    text
}

/// `CodeUri` relative to the template's folder.
fn code_folder(base: &Path, fields: &Fields<'_>) -> Result<PathBuf, Fault> {
    let uri = fields.required("CodeUri")?;
    let mut folder = PathBuf::new();
    for component in base.join(&uri).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                folder.pop();
            }
            component => folder.push(component),
        }
    }
    if folder.is_dir() {
        return Ok(folder);
    }
    let sentence =
        format!("`CodeUri` must be a folder with the function's sources; {} is not a folder", folder.display());
    Err(Fault::invalid(fields.line("CodeUri"), sentence))
}

/// `Metadata.BuildProperties.Binary` of the one build method. Other metadata is the template author's own.
fn binary(resource: &Resource) -> Result<String, Fault> {
    let metadata = resource.metadata.as_ref();
    let Some(method) = metadata.and_then(|metadata| metadata.get("BuildMethod")) else {
        let sentence = format!("{TYPE} needs `Metadata` with `BuildMethod: {BUILD_METHOD}` to be built locally");
        return Err(Fault::invalid(resource.line, sentence));
    };
    if method.text()? != BUILD_METHOD {
        return Err(Fault::unknown_value(method.line, "`BuildMethod`", method.text()?, [BUILD_METHOD]));
    }
    let properties = metadata.and_then(|metadata| metadata.get("BuildProperties"));
    if let Some(properties) = properties {
        BUILD_PROPERTIES.check(properties)?;
    }
    match properties.and_then(|properties| properties.get("Binary")).map(Node::text) {
        Some(binary) => Ok(binary?.to_owned()),
        None => Err(Fault::missing(method.line, "Binary", BUILD_PROPERTIES.place)),
    }
}

const BUILD_PROPERTIES: Shape =
    Shape { place: "`Metadata.BuildProperties` of a function", supported: &["Binary"], ignored: &[] };
