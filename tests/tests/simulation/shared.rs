//! A shared cache that forgets, answers with what was there before, and now and then with what nobody put there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rand::RngExt;
use rand::rngs::StdRng;
use store::shared_cache::{Entries, SharedCache};

use crate::executor;

/// Longest time of a request, in milliseconds.
const LATENCY: u64 = 5;

/// Probabilities of what is wrong with an entry.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SharedFaults {
    /// An entry is not kept, or not found.
    pub(crate) lost: f64,
    /// An earlier one is found.
    pub(crate) old: f64,
    /// One that cannot be read is found.
    pub(crate) unreadable: f64,
}

impl SharedFaults {
    pub(crate) fn draw(rng: &mut StdRng) -> Self {
        let mut level = |most: f64| if rng.random_bool(0.4) { 0.0 } else { most * rng.random::<f64>() };
        Self { lost: level(0.3), old: level(1.0), unreadable: level(0.2) }
    }
}

/// All entries that were ever set, by key.
#[derive(Debug)]
struct Forgetful {
    entries: Mutex<HashMap<String, Vec<Vec<u8>>>>,
    faults: SharedFaults,
}

/// Creates an empty cache.
pub(crate) fn shared_cache(faults: SharedFaults) -> SharedCache {
    SharedCache::new(Arc::new(Forgetful { entries: Mutex::default(), faults }), "simulation")
}

impl Forgetful {
    fn entries<T>(&self, work: impl FnOnce(&mut HashMap<String, Vec<Vec<u8>>>) -> T) -> T {
        work(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn find(&self, key: &str) -> Option<Vec<u8>> {
        let set = self.entries(|entries| entries.get(key).cloned())?;
        let SharedFaults { lost, old, unreadable } = self.faults;
        executor::chance(|rng| {
            if rng.random_bool(lost) {
                return None;
            }
            let entry = if rng.random_bool(old) { &set[rng.random_range(0..set.len())] } else { set.last()? };
            let length = if rng.random_bool(unreadable) { rng.random_range(0..entry.len()) } else { entry.len() };
            Some(entry[..length].to_vec())
        })
    }
}

async fn under_way() {
    executor::sleep(Duration::from_millis(executor::chance(|rng| rng.random_range(0..=LATENCY)))).await;
}

impl Entries for Forgetful {
    fn warm_up(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn get(&self, keys: Vec<String>) -> BoxFuture<'_, Vec<Option<Vec<u8>>>> {
        Box::pin(async move {
            under_way().await;
            keys.iter().map(|key| self.find(key)).collect()
        })
    }

    fn set(&self, entries: Vec<(String, Vec<u8>)>, _: Duration) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            under_way().await;
            let mut all = true;
            for (key, entry) in entries {
                if executor::chance(|rng| rng.random_bool(self.faults.lost)) {
                    all = false;
                } else {
                    self.entries(|kept| kept.entry(key).or_default().push(entry));
                }
            }
            all
        })
    }
}
