//! The ports of the last run with the same data.
//!
//! URLs contain ports, and some outlive a run: presigned links that users have, addresses in configurations.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Ports by the name of their service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RememberedPorts(BTreeMap<String, u16>);

impl RememberedPorts {
    /// Reads the file. One that is missing or not readable stands for no ports: any free ones do.
    pub(crate) fn read(file: &Path) -> Self {
        let text = std::fs::read(file).unwrap_or_default();
        Self(serde_json::from_slice(&text).unwrap_or_default())
    }

    /// Writes the file at once or not at all.
    pub(crate) fn write(&self, file: &Path) -> io::Result<()> {
        let mut temporary = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(Path::new("/")))?;
        serde_json::to_writer_pretty(&mut temporary, &self.0)?;
        temporary.persist(file)?;
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<u16> {
        self.0.get(name).copied()
    }

    /// Returns the name of an API: a logical id may be the name of a service.
    pub(crate) fn name_of_api(logical_id: &str) -> String {
        format!("api/{logical_id}")
    }
}

impl FromIterator<(String, u16)> for RememberedPorts {
    fn from_iter<I: IntoIterator<Item = (String, u16)>>(ports: I) -> Self {
        Self(ports.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_missing_or_damaged_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ports.json");
        assert_eq!(RememberedPorts::read(&file), RememberedPorts::default());
        let ports = RememberedPorts::from_iter([("s3".to_owned(), 4000), ("api/s3".to_owned(), 4001)]);
        ports.write(&file).unwrap();
        assert_eq!(RememberedPorts::read(&file), ports);
        std::fs::write(&file, r#"{"s3": 4000"#).unwrap();
        assert_eq!(RememberedPorts::read(&file), RememberedPorts::default());
    }
}
