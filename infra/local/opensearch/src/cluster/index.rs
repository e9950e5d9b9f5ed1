//! An index: its name and settings, and the engine that holds its documents.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;
use uuid::Uuid;

use super::settings::Settings;
use crate::engine::{Engine, OpenError, Write, Written};
use crate::error::ApiError;
use crate::mapping::Mapping;

/// The facts about an index beside its documents.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) uuid: String,
    /// Milliseconds since the epoch.
    pub(crate) created: u64,
    pub(crate) settings: Settings,
    pub(crate) mapping: Mapping,
    /// Number of the folder: a mapping with more fields gets a new one.
    generation: u64,
}

impl Description {
    pub(crate) fn new(settings: Settings, mapping: Mapping) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let created = u64::try_from(now.as_millis()).unwrap_or_default();
        Self { uuid: Uuid::new_v4().simple().to_string(), created, settings, mapping, generation: 0 }
    }

    /// Name of the folder of the documents.
    pub(crate) fn folder(&self) -> String {
        format!("{}-{}", self.uuid, self.generation)
    }

    fn with_mapping(&self, mapping: Mapping) -> Self {
        Self { mapping, generation: self.generation + 1, ..self.clone() }
    }
}

/// An index of the cluster.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) uuid: String,
    /// The folder of all indices; `None` where nothing is kept.
    root: Option<PathBuf>,
    state: RwLock<State>,
    refreshes: UnboundedSender<Arc<Index>>,
}

#[derive(Debug)]
struct State {
    description: Description,
    engine: Arc<Engine>,
    is_deleted: bool,
}

impl Index {
    /// Opens an index, or makes it. It asks for a refresh by `refreshes` when there is something to make searchable.
    pub(crate) fn open(
        name: &str,
        description: Description,
        root: Option<&Path>,
        refreshes: UnboundedSender<Arc<Self>>,
    ) -> Result<Self, OpenError> {
        let folder = root.map(|root| root.join(description.folder()));
        let engine = Arc::new(Engine::open(folder.as_deref(), description.mapping.clone())?);
        let (name, uuid, root) = (name.to_owned(), description.uuid.clone(), root.map(Path::to_owned));
        let state = RwLock::new(State { description, engine, is_deleted: false });
        Ok(Self { name, uuid, root, state, refreshes })
    }

    pub(crate) fn description(&self) -> Description {
        self.read(|state| state.description.clone())
    }

    pub(crate) fn settings(&self) -> Settings {
        self.read(|state| state.description.settings.clone())
    }

    /// Returns the engine for reads. A write goes through [`Self::write`].
    pub(crate) fn engine(&self) -> Arc<Engine> {
        self.read(|state| Arc::clone(&state.engine))
    }

    /// Carries out writes. They are searchable after the refresh interval.
    pub(crate) fn write(self: &Arc<Self>, writes: Vec<Write>) -> Result<Vec<Result<Written, ApiError>>, ApiError> {
        // Held all the time: a new mapping must not miss a write.
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.is_deleted {
            return Err(ApiError::no_such_index(&self.name));
        }
        let written = state.engine.write(writes)?;
        if state.description.settings.refresh_interval().is_some() {
            // Nobody listens while the engine stops; the next start refreshes.
            let _ = self.refreshes.send(Arc::clone(self));
        }
        Ok(written)
    }

    /// Makes all writes searchable.
    pub(crate) fn refresh(&self) -> Result<bool, ApiError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.is_deleted { Ok(false) } else { state.engine.refresh() }
    }

    /// Adds fields. `keep` has to make the new description last before it counts. An index with documents is copied.
    pub(crate) fn add_fields(
        &self,
        fields: &Mapping,
        keep: impl FnOnce(&Description) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mapping = state.description.mapping.merged(fields)?;
        if mapping == state.description.mapping {
            return Ok(());
        }
        let description = state.description.with_mapping(mapping.clone());
        let folder = |description: &Description| self.root.as_ref().map(|root| root.join(description.folder()));
        let engine = state.engine.copied(folder(&description).as_deref(), mapping)?;
        keep(&description)?;
        let before = folder(&state.description);
        *state = State { description, engine: Arc::new(engine), is_deleted: false };
        drop(state);
        remove(before.as_deref());
        Ok(())
    }

    /// Removes the documents. Writes that come later find no index.
    pub(crate) fn delete(&self) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.is_deleted = true;
        remove(self.root.as_ref().map(|root| root.join(state.description.folder())).as_deref());
    }

    /// Returns the bytes on the disk.
    pub(crate) fn size(&self) -> Result<u64, ApiError> {
        match &self.root {
            Some(root) => Ok(crate::engine::size(&root.join(self.description().folder()))?),
            None => Ok(0),
        }
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        // Each change replaces the whole state.
        read(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Removes a folder that nothing needs; what stays is removed at the next start.
pub(super) fn remove(folder: Option<&Path>) {
    if let Some(folder) = folder
        && let Err(error) = std::fs::remove_dir_all(folder)
    {
        tracing::warn!(folder = %folder.display(), %error, "the folder of an index stays for now");
    }
}
