//! Reads a SAM template: YAML, then names, then values.
//!
//! [`Template::read`] checks everything that needs no values: the YAML, resource types, the names of properties and references.
//! [`Template::resolve`] evaluates the values and returns the [`Stack`] that the services start from.
//!
//! A part that is not supported is an error that names the line. A part without meaning on loopback is accepted and listed,
//! with the reason, in the `Shape` of its resource type: networking, encryption at rest, backups, tags, alarms, and policies that
//! are not of a function's own role.

mod addresses;
mod collections;
pub mod deferred;
mod document;
mod dynamic;
mod error;
mod fields;
mod globals;
mod intrinsic;
mod metadata;
pub mod model;
mod names;
mod parameters;
mod references;
mod resource;
mod resources;
mod scope;
mod shape;
mod sub;
mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use addresses::Addresses;
pub use document::Template;
use dynamic::DynamicReferences;
use error::Fault;
pub use error::{Problem, TemplateError};
use metadata::Metadata;
use model::Stack;
use resource::{Kind, Resource};
use scope::Scope;
use shape::Shape;
use yaml::{Entry, Node, Value};

const SECTIONS: Shape = Shape {
    place: "a template",
    supported: &["Conditions", "Globals", "Mappings", "Metadata", "Parameters", "Resources", "Transform"],
    ignored: &[
        (&["AWSTemplateFormatVersion", "Description"], "for people and consoles"),
        (&["Outputs"], "nothing imports them; their references are checked"),
    ],
};

const TRANSFORM: &str = "AWS::Serverless-2016-10-31";

impl Template {
    /// Reads and checks a template.
    ///
    /// # Errors
    /// The file cannot be read, or something in it is wrong or not supported; the error names the line.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        let unreadable = |source| TemplateError::Read { file: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let absolute = std::path::absolute(path).map_err(unreadable)?;
        let folder = absolute.parent().unwrap_or(Path::new("/")).to_owned();
        let references = DynamicReferences::read(&folder);
        let references =
            references.map_err(|source| TemplateError::References { file: folder.join(dynamic::FILE), source });
        let template = Self::parse(path, folder, &text).map_err(|fault| fault.in_file(path))?;
        Ok(Self { references: references?, ..template })
    }

    fn parse(file: &Path, folder: PathBuf, text: &str) -> Result<Self, Fault> {
        let root = yaml::parse(text)?;
        SECTIONS.check(&root)?;
        check_transform(&root)?;
        let globals = root.get("Globals");
        if let Some(globals) = globals {
            globals::check(globals)?;
        }
        let mut template = Self {
            file: file.to_owned(),
            folder,
            parameters: section(&root, "Parameters")?,
            metadata: Metadata::default(),
            mappings: section(&root, "Mappings")?,
            conditions: section(&root, "Conditions")?,
            resources: Vec::new(),
            references: DynamicReferences::default(),
        };
        parameters::check(&template.parameters)?;
        template.metadata = metadata::read(&root, &template.parameters)?;
        for entry in section(&root, "Resources")? {
            template.resources.push(Resource::read(&entry, globals)?);
        }
        if template.resources.is_empty() {
            return Err(Fault::missing(root.line, "Resources", SECTIONS.place));
        }
        template.add_implicit_api(globals)?;
        references::check(&template, root.get("Outputs"))?;
        Ok(template)
    }

    /// The logical ids of the HTTP APIs and of the WebSocket APIs, in the template's order, so that listeners can be
    /// bound before values are worked out. An API whose condition is false is among them.
    pub fn api_ids(&self) -> (Vec<String>, Vec<String>) {
        let ids = |kinds: [Kind; 2]| {
            let apis = self.resources.iter().filter(|resource| kinds.contains(&resource.kind));
            apis.map(|resource| resource.id.clone()).collect()
        };
        (ids([Kind::HttpApi, Kind::PlainHttpApi]), ids([Kind::WebSocketApi, Kind::PlainWebSocketApi]))
    }

    /// Works out all values with the given parameters over those of the template for the local cloud, and these over the
    /// defaults.
    ///
    /// # Errors
    /// A parameter is unknown, lacks a value or breaks its constraints; or a value is wrong or not supported, in which
    /// case the error names the line.
    pub fn resolve(
        &self,
        addresses: &Addresses,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Stack, TemplateError> {
        let known = || self.parameters.iter().map(|parameter| parameter.key.clone()).collect::<Vec<_>>();
        if let Some(name) = parameters.keys().find(|name| !known().contains(*name)) {
            let (file, name) = (self.file.clone(), name.clone());
            return Err(TemplateError::UnknownParameter { file, name, known: known() });
        }
        self.stack(addresses, parameters).map_err(|fault| fault.in_file(&self.file))
    }

    fn stack(&self, addresses: &Addresses, parameters: &BTreeMap<String, String>) -> Result<Stack, Fault> {
        let mut given = self.metadata.parameters.clone();
        given.extend(parameters.iter().map(|(name, value)| (name.clone(), value.clone())));
        let values = parameters::values(&self.parameters, &given)?;
        let scope = &Scope::new(&resources::SupportedTypes, self, addresses, values);
        self.check_existing(scope)?;
        let existing = |kind| -> Result<Vec<&Resource>, Fault> {
            let resources = self.of_kind(kind).filter_map(|resource| match scope.exists(resource) {
                Ok(true) => Some(Ok(resource)),
                Ok(false) => None,
                Err(fault) => Some(Err(fault)),
            });
            resources.collect()
        };
        let functions = existing(Kind::Function)?;
        let responding = resources::api_gateway_v2::responding_routes(scope, &existing(Kind::RouteResponse)?)?;
        let mut http_apis = each(&existing(Kind::HttpApi)?, |api| resources::http_api::read(scope, api, &functions))?;
        http_apis
            .extend(each(&existing(Kind::PlainHttpApi)?, |api| resources::api_gateway_v2::http::read(scope, api))?);
        let mut websocket_apis =
            each(&existing(Kind::WebSocketApi)?, |api| resources::websocket_api::read(scope, api, &responding))?;
        websocket_apis.extend(each(&existing(Kind::PlainWebSocketApi)?, |api| {
            resources::api_gateway_v2::websocket::read(scope, api, &responding)
        })?);
        Ok(Stack {
            functions: each(&functions, |function| resources::function::read(scope, function))?,
            http_apis,
            websocket_apis,
            tables: each(&existing(Kind::Table)?, |table| resources::table::read(scope, table))?,
            buckets: each(&existing(Kind::Bucket)?, |bucket| resources::bucket::read(scope, bucket, &functions))?,
            queues: resources::queue::read_all(scope, &existing(Kind::Queue)?)?,
            clusters: each(&existing(Kind::Cluster)?, |cluster| resources::cluster::read(scope, cluster))?,
            secrets: each(&existing(Kind::Secret)?, |secret| resources::secret::read(scope, secret))?,
            user_pools: each(&existing(Kind::UserPool)?, |pool| resources::user_pool::read(scope, pool))?,
            schedule_groups: each(&existing(Kind::ScheduleGroup)?, |group| {
                resources::schedule_group::read(scope, group)
            })?,
            collections: resources::collection::read_all(
                scope,
                &existing(Kind::Collection)?,
                &existing(Kind::SecurityPolicy)?,
            )?,
            data_access: each(&existing(Kind::AccessPolicy)?, |policy| {
                resources::search_policies::read_access(scope, policy)
            })?
            .concat(),
            custom_resources: resources::custom_resource::read_all(scope, &existing(Kind::Custom)?)?,
        })
    }

    /// Refuses what the reading had to leave open: types and properties that a condition may remove, and did not.
    fn check_existing(&self, scope: &Scope<'_>) -> Result<(), Fault> {
        for resource in &self.resources {
            if !scope.exists(resource)? {
                continue;
            }
            resource.check_type()?;
            if let Some(shape) = resource.kind.shape() {
                resource.fields(scope, shape)?;
            }
        }
        Ok(())
    }

    /// Adds the HTTP API that SAM makes for events that name none.
    fn add_implicit_api(&mut self, globals: Option<&Node>) -> Result<(), Fault> {
        use resources::http_api::{IMPLICIT_ID, uses_implicit_api};
        let line = self.of_kind(Kind::Function).find_map(uses_implicit_api);
        if let Some(line) = line
            && self.resource(IMPLICIT_ID).is_none()
        {
            let kind = Node { line, value: Value::Map(vec![resource_type(line)]) };
            let entry = Entry { key: IMPLICIT_ID.to_owned(), line, value: kind };
            self.resources.push(Resource::read(&entry, globals)?);
        }
        Ok(())
    }
}

fn resource_type(line: usize) -> Entry {
    let value = Node::scalar(line, resources::http_api::TYPE);
    Entry { key: "Type".to_owned(), line, value }
}

fn each<T>(resources: &[&Resource], read: impl Fn(&Resource) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    resources.iter().map(|resource| read(resource)).collect()
}

/// The entries of a section; an absent one has none.
fn section(root: &Node, name: &str) -> Result<Vec<Entry>, Fault> {
    match root.get(name) {
        Some(section) => Ok(section.map()?.to_vec()),
        None => Ok(Vec::new()),
    }
}

/// The template must ask for SAM's transform and for no other.
fn check_transform(root: &Node) -> Result<(), Fault> {
    let Some(transform) = root.get("Transform") else {
        return Err(Fault::missing(root.line, &format!("Transform: {TRANSFORM}"), SECTIONS.place));
    };
    let names = match &transform.value {
        Value::List(names) => names.as_slice(),
        _ => std::slice::from_ref(transform),
    };
    for name in names {
        if name.text()? != TRANSFORM {
            return Err(Fault::unknown_value(name.line, "the transform", name.text()?, [TRANSFORM]));
        }
    }
    Ok(())
}
