//! A template before its values are resolved.

use std::path::PathBuf;

use super::dynamic::DynamicReferences;
use super::metadata::Metadata;
use super::resource::{Kind, Resource};
use super::yaml::Entry;

/// A template whose names are checked and whose values are not worked out yet.
#[derive(Debug)]
pub struct Template {
    pub(super) file: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) parameters: Vec<Entry>,
    pub(super) metadata: Metadata,
    pub(super) mappings: Vec<Entry>,
    pub(super) conditions: Vec<Entry>,
    pub(super) resources: Vec<Resource>,
    pub(super) references: DynamicReferences,
}

impl Template {
    pub(super) fn resource(&self, id: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.id == id)
    }

    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Resource> {
        self.resources.iter().filter(move |resource| resource.kind == kind)
    }
}
