//! The cluster: all indices and their aliases, and the file that keeps both.

pub(crate) mod aliases;
mod index;
mod names;
mod settings;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

use crate::engine::OpenError;
use crate::error::ApiError;
use crate::mapping::Mapping;
use aliases::{Aliases, Change};
use index::Description;

pub(crate) use index::Index;
pub(crate) use settings::{Settings, duration};

/// Name of the file with indices and aliases.
const FILE: &str = "cluster.json";

/// All indices and aliases.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: Option<PathBuf>,
    refreshes: UnboundedSender<Arc<Index>>,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    indices: BTreeMap<String, Arc<Index>>,
    aliases: Aliases,
}

/// The content of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct File {
    indices: BTreeMap<String, Description>,
    aliases: Aliases,
}

impl Cluster {
    /// Opens all indices of a folder.
    pub(crate) fn open(folder: Option<&Path>, refreshes: UnboundedSender<Arc<Index>>) -> Result<Self, OpenError> {
        let mut state = State::default();
        if let Some(folder) = folder {
            let failed = |source| OpenError::File(folder.join(FILE), source);
            std::fs::create_dir_all(folder).map_err(failed)?;
            let file = read(&folder.join(FILE)).map_err(failed)?;
            remove_unknown(folder, &file).map_err(failed)?;
            for (name, description) in file.indices {
                let index = Index::open(&name, description, Some(folder), refreshes.clone())?;
                state.indices.insert(name, Arc::new(index));
            }
            state.aliases = file.aliases;
        }
        Ok(Self { folder: folder.map(Path::to_owned), refreshes, state: RwLock::new(state) })
    }

    /// Creates an index with its aliases.
    pub(crate) fn create(
        &self,
        name: &str,
        settings: Settings,
        mapping: Mapping,
        aliases: &[Change],
    ) -> Result<(), ApiError> {
        names::check_index(name)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = state.indices.get(name) {
            let reason = format!("index [{name}/{}] already exists", index.uuid);
            let error = ApiError::new(StatusCode::BAD_REQUEST, "resource_already_exists_exception", reason);
            return Err(error.about(name).with("index_uuid", index.uuid.clone()));
        }
        if state.aliases.contains_key(name) {
            return Err(ApiError::invalid_name(name, "already exists as alias"));
        }
        let after =
            aliases::apply(&state.aliases, aliases, |index| index == name || state.indices.contains_key(index))?;
        let description = Description::new(settings, mapping);
        let folder = self.folder.as_ref().map(|folder| folder.join(description.folder()));
        let index = Index::open(name, description.clone(), self.folder.as_deref(), self.refreshes.clone())
            .map_err(ApiError::internal)?;
        self.keep(&state, &after, Some((name, &description)), &[]).inspect_err(|_| index::remove(folder.as_deref()))?;
        state.indices.insert(name.to_owned(), Arc::new(index));
        state.aliases = after;
        Ok(())
    }

    /// Deletes indices by their own names.
    pub(crate) fn delete(&self, names: &[String]) -> Result<(), ApiError> {
        for name in names {
            if self.read().aliases.contains_key(name) {
                let reason = format!(
                    "The provided expression [{name}] matches an alias, specify the corresponding concrete indices instead."
                );
                return Err(ApiError::illegal_argument(reason));
            }
        }
        let changes: Vec<_> = names.iter().map(|name| Change::RemoveIndex { index: name.clone() }).collect();
        self.change_aliases(&changes)
    }

    /// Carries changes of aliases out, all or none.
    pub(crate) fn change_aliases(&self, changes: &[Change]) -> Result<(), ApiError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let after = aliases::apply(&state.aliases, changes, |index| state.indices.contains_key(index))?;
        let removed = changes.iter().filter_map(|change| match change {
            Change::RemoveIndex { index } => Some(index.as_str()),
            _ => None,
        });
        let removed: Vec<&str> = removed.collect();
        self.keep(&state, &after, None, &removed)?;
        state.aliases = after;
        let removed: Vec<_> = removed.iter().filter_map(|name| state.indices.remove(*name)).collect();
        drop(state);
        for index in removed {
            index.delete();
        }
        Ok(())
    }

    /// Adds fields to the mapping of an index.
    pub(crate) fn add_fields(&self, index: &Index, fields: &Mapping) -> Result<(), ApiError> {
        // Held against a deletion and other changes of the file.
        let state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        index.add_fields(fields, |description| self.keep(&state, &state.aliases, Some((&index.name, description)), &[]))
    }

    /// Finds the indices of a list of names and aliases, each once. `None` is all of them.
    pub(crate) fn indices(&self, names: Option<&str>) -> Result<Vec<Arc<Index>>, ApiError> {
        let state = self.read();
        let Some(names) = names.filter(|names| *names != "_all" && *names != "*") else {
            return Ok(state.indices.values().cloned().collect());
        };
        let mut found: Vec<Arc<Index>> = Vec::new();
        for name in names.split(',') {
            if name.contains('*') || name.starts_with('-') {
                return Err(ApiError::not_emulated(format!("the pattern [{name}]")));
            }
            let of_alias = state.aliases.get(name).into_iter().flat_map(BTreeMap::keys);
            let mut indices: Vec<_> = of_alias.filter_map(|index| state.indices.get(index)).collect();
            indices.extend(state.indices.get(name));
            if indices.is_empty() {
                return Err(ApiError::no_such_index(name));
            }
            let fresh = indices.into_iter().filter(|index| !found.iter().any(|found| found.uuid == index.uuid));
            found.append(&mut fresh.cloned().collect());
        }
        Ok(found)
    }

    /// Finds the index that documents of a name or alias are written to.
    pub(crate) fn written(&self, name: &str, require_alias: bool) -> Result<Arc<Index>, ApiError> {
        let state = self.read();
        if let Some(index) = state.indices.get(name) {
            if require_alias {
                let reason = format!(
                    "no such index [{name}] and [require_alias] request flag is [true] and [{name}] is not an alias"
                );
                return Err(ApiError::no_such_index(name).worded(reason));
            }
            return Ok(Arc::clone(index));
        }
        let Some(indices) = state.aliases.get(name) else { return Err(ApiError::no_such_index(name)) };
        let only = indices.iter().next().filter(|(_, only)| indices.len() == 1 && only.is_write_index != Some(false));
        let writer = indices.iter().find(|(_, membership)| membership.is_write_index == Some(true)).or(only);
        let index = writer.and_then(|(index, _)| state.indices.get(index)).ok_or_else(|| {
            ApiError::illegal_argument(format!(
                "no write index is defined for alias [{name}]. The write index may be explicitly disabled using \
                 is_write_index=false or the alias points to multiple indices without one being designated as a write index"
            ))
        })?;
        Ok(Arc::clone(index))
    }

    /// Finds the one index that a document is read from.
    pub(crate) fn single(&self, name: &str) -> Result<Arc<Index>, ApiError> {
        let mut indices = self.indices(Some(name))?;
        match (indices.pop(), indices.is_empty()) {
            (Some(index), true) => Ok(index),
            (last, _) => {
                let names: Vec<_> = indices.iter().chain(&last).map(|index| index.name.as_str()).collect();
                Err(ApiError::illegal_argument(format!(
                    "alias [{name}] has more than one index associated with it [{}], can't execute a single index op",
                    names.join(", ")
                )))
            }
        }
    }

    /// Returns the aliases now.
    pub(crate) fn aliases(&self) -> Aliases {
        self.read().aliases.clone()
    }

    /// Writes the file, at once or not at all: with `aliases` in the place of those of the state, one index added, others removed.
    fn keep(
        &self,
        state: &State,
        aliases: &Aliases,
        added: Option<(&str, &Description)>,
        removed: &[&str],
    ) -> Result<(), ApiError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        // The index that is being changed is described by its caller, who holds its lock.
        let others = state.indices.iter().filter(|(name, _)| added.is_none_or(|(added, _)| added != name.as_str()));
        let indices = others.map(|(name, index)| (name.clone(), index.description()));
        let mut file = File { indices: indices.collect(), aliases: aliases.clone() };
        file.indices.extend(added.map(|(name, description)| (name.to_owned(), description.clone())));
        file.indices.retain(|name, _| !removed.contains(&name.as_str()));
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut temporary, &file).map_err(ApiError::internal)?;
        temporary.as_file().sync_all()?;
        temporary.persist(folder.join(FILE)).map_err(|error| ApiError::internal(error.error))?;
        Ok(std::fs::File::open(folder)?.sync_all()?)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        // Each change is carried out whole.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> io::Result<File> {
    match std::fs::read(file) {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(File::default()),
        Err(error) => Err(error),
    }
}

/// Removes the folders of deleted indices, and those of changes that were not carried out.
fn remove_unknown(folder: &Path, file: &File) -> io::Result<()> {
    let known: Vec<String> = file.indices.values().map(Description::folder).collect();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && !known.iter().any(|known| entry.file_name() == known.as_str()) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
