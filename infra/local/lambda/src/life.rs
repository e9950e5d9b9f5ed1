//! The end of an instance: requested by other parts than its pool, and reported to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The instances of a function that live, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lives(Arc<Mutex<BTreeMap<String, Life>>>);

#[derive(Debug, Clone, Default)]
struct Life {
    /// Fires when the process is to be killed.
    killed: CancellationToken,
    /// Fires when the instance is gone.
    ended: CancellationToken,
}

/// An instance's place among the living, given back by dropping it.
#[derive(Debug)]
pub(crate) struct Place {
    id: String,
    life: Life,
    lives: Lives,
}

impl Lives {
    /// A place for an instance that is about to start.
    pub(crate) fn add(&self, id: &str) -> Place {
        let life = Life::default();
        self.lock().insert(id.to_owned(), life.clone());
        Place { id: id.to_owned(), life, lives: self.clone() }
    }

    /// Stops one instance, or all of them. Each returned token is cancelled when its instance has ended.
    pub(crate) fn condemn(&self, id: Option<&str>) -> Vec<CancellationToken> {
        let lives = self.lock();
        let condemned = lives.iter().filter(|(instance, _)| id.is_none_or(|id| id == instance.as_str()));
        let ends = condemned.map(|(_, life)| {
            life.killed.cancel();
            life.ended.clone()
        });
        ends.collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Life>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Returns the access key id of the process, which identifies its requests.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Is cancelled when the process has to be killed.
    pub(crate) fn killed(&self) -> &CancellationToken {
        &self.life.killed
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lives.lock().remove(&self.id);
        self.life.ended.cancel();
    }
}
