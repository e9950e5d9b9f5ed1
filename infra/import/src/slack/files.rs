//! The files of an export: those of a folder, or of a ZIP file.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use serde::de::DeserializeOwned;
use zip::ZipArchive;

use super::model::Message;
use crate::Error;

/// The JSON files of an export, by their paths.
#[derive(Clone, Debug, Default)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Files {
    /// Reads the folder or ZIP file of an export.
    pub fn read(path: &Path) -> Result<Self, Error> {
        if path.is_dir() { Self::of_folder(path) } else { Self::of_zip(path) }
    }

    fn of_folder(folder: &Path) -> Result<Self, Error> {
        let mut files = BTreeMap::new();
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| Error::io(&path, error)
        };
        for entry in std::fs::read_dir(folder).map_err(io(folder))? {
            let path = entry.map_err(io(folder))?.path();
            let inner: Vec<_> = if path.is_dir() {
                let entries = std::fs::read_dir(&path).map_err(io(&path))?;
                entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(io(&path))?
            } else {
                vec![path]
            };
            for file in inner.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
                let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().replace('\\', "/");
                files.insert(name, std::fs::read(&file).map_err(io(&file))?);
            }
        }
        Ok(Self(files))
    }

    fn of_zip(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Zip { file: path.display().to_string(), source };
        let bytes = std::fs::read(path).map_err(|error| Error::io(path, error))?;
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(failed)?;
        let mut files = BTreeMap::new();
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(failed)?;
            let name = entry.name().map_err(failed)?.into_owned();
            let mut bytes = Vec::new();
            if Path::new(&name).extension().is_some_and(|extension| extension == "json") {
                entry.read_to_end(&mut bytes).map_err(|error| Error::io(path, error))?;
                files.insert(name, bytes);
            }
        }
        Ok(Self(files))
    }

    /// Reads a list; an empty one where the export has none.
    pub(super) fn list<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, Error> {
        let Some(bytes) = self.0.get(name) else { return Ok(Vec::new()) };
        serde_json::from_slice(bytes).map_err(Error::in_file(Path::new(name)))
    }

    /// Reads all messages of a folder, in the order of their days.
    pub(super) fn messages(&self, folder: &str) -> Result<Vec<Message>, Error> {
        if folder.is_empty() {
            return Ok(Vec::new());
        }
        let days = self.0.keys().filter(|name| name.split_once('/').is_some_and(|(found, _)| found == folder));
        let days = days.map(|name| self.list::<Message>(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(days.into_iter().flatten().collect())
    }
}
