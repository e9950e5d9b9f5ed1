//! The position of a mapping in its stream.

use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::Mutex;

/// For each lane the sequence number of the last finished record; `None` before the first.
///
/// The file is never ahead of the finished records, so a restart repeats records rather than losing them.
#[derive(Debug)]
pub(super) struct Positions {
    lanes: Mutex<Vec<Option<String>>>,
    file: Option<PathBuf>,
}

impl Positions {
    /// Goes on where the file says, or `first` where there is none. Other lanes than those of the file all go on where
    /// the last of those was.
    pub(super) async fn open(
        file: Option<PathBuf>,
        lanes: usize,
        first: impl AsyncFnOnce() -> io::Result<Option<String>>,
    ) -> io::Result<Self> {
        let stored = file.as_deref().map(read).transpose()?.flatten();
        let positions = match stored {
            Some(stored) if stored.len() == lanes => stored,
            // `None` sorts before any number.
            Some(stored) => vec![stored.into_iter().min().flatten(); lanes],
            None => vec![first().await?; lanes],
        };
        let positions = Self { lanes: Mutex::new(positions), file };
        positions.write(&positions.lanes.lock().await).await?;
        Ok(positions)
    }

    pub(super) async fn of(&self, lane: usize) -> Option<String> {
        self.lanes.lock().await.get(lane).cloned().flatten()
    }

    /// Notes that all records of the lane up to this one are done.
    pub(super) async fn save(&self, lane: usize, number: &str) {
        let mut lanes = self.lanes.lock().await;
        if let Some(position) = lanes.get_mut(lane) {
            *position = Some(number.to_owned());
        }
        if let Err(error) = self.write(&lanes).await {
            // To stop here would not be better: the records are done.
            tracing::error!(%error, "cannot save the position in a stream; a restart will repeat records");
        }
    }

    /// Replaces the file as a whole.
    async fn write(&self, lanes: &[Option<String>]) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        if let Some(folder) = file.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let partial = file.with_extension("partial");
        tokio::fs::write(&partial, serde_json::to_vec(lanes)?).await?;
        tokio::fs::rename(partial, file).await
    }
}

fn read(file: &Path) -> io::Result<Option<Vec<Option<String>>>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn open(file: &Path, lanes: usize, first: &str) -> Positions {
        Positions::open(Some(file.to_owned()), lanes, async || Ok(Some(first.to_owned()))).await.unwrap()
    }

    #[tokio::test]
    async fn positions_outlive_the_process_and_a_change_of_lanes_repeats_rather_than_loses() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("made/mapping.json");
        let positions = open(&file, 2, "10").await;
        positions.save(1, "12").await;
        let positions = open(&file, 2, "99").await;
        assert_eq!((positions.of(0).await.as_deref(), positions.of(1).await.as_deref()), (Some("10"), Some("12")));
        let positions = open(&file, 3, "99").await;
        assert_eq!(positions.of(2).await.as_deref(), Some("10"));
    }
}
