//! One queue in memory: which messages are visible, which are hidden and until when.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use local_template::model;
use uuid::Uuid;

use crate::attributes::Attributes;
use crate::error::SqsError;
use crate::message::Stored;

/// Time for which a FIFO queue knows a deduplication id, in milliseconds.
const DEDUPLICATION_MILLIS: u64 = 5 * 60 * 1000;

#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) arn: String,
    pub(crate) is_fifo: bool,
    pub(crate) attributes: Attributes,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) created: u64,
    pub(crate) modified: u64,
    /// Time of the last purge.
    pub(crate) purged: Option<u64>,
    messages: BTreeMap<u64, Stored>,
    visible: BTreeSet<u64>,
    /// Time at which each becomes visible, and its number.
    hidden: BTreeSet<(u64, u64)>,
    deduplications: HashMap<String, Deduplicated>,
}

/// The message that a deduplication id stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deduplicated {
    pub(crate) until: u64,
    pub(crate) id: Uuid,
    pub(crate) number: u64,
}

/// Messages of a queue by state.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) visible: usize,
    pub(crate) in_flight: usize,
    pub(crate) delayed: usize,
}

/// What becomes of a message that a receive finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Received(u64),
    /// It has been received too often.
    Dead(u64),
}

impl Queue {
    pub(crate) fn new(queue: &model::Queue, now: u64) -> Result<Self, SqsError> {
        let is_fifo = queue.name.strip_suffix(".fifo").is_some();
        let mut attributes = Attributes::default();
        attributes.update(&queue.attributes.clone().into_iter().collect(), is_fifo)?;
        Ok(Self {
            name: queue.name.clone(),
            url: queue.url.clone(),
            arn: queue.arn.clone(),
            is_fifo,
            attributes,
            tags: BTreeMap::new(),
            created: now,
            modified: now,
            purged: None,
            messages: BTreeMap::new(),
            visible: BTreeSet::new(),
            hidden: BTreeSet::new(),
            deduplications: HashMap::new(),
        })
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Stored> {
        self.messages.get(&number)
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &Stored> {
        self.messages.values()
    }

    pub(crate) fn deduplications(&self) -> impl Iterator<Item = (&String, &Deduplicated)> {
        self.deduplications.iter()
    }

    /// Adds a message, hidden until its time.
    pub(crate) fn insert(&mut self, message: Stored) {
        if let Some(key) = self.deduplication_key(message.deduplication.as_deref(), message.group.as_deref()) {
            let known =
                Deduplicated { until: message.sent + DEDUPLICATION_MILLIS, id: message.id, number: message.number };
            self.deduplications.insert(key, known);
        }
        self.hidden.insert((message.hidden_until, message.number));
        self.messages.insert(message.number, message);
    }

    pub(crate) fn remember(&mut self, key: String, known: Deduplicated) {
        self.deduplications.insert(key, known);
    }

    /// The message that was sent with this deduplication id within the last five minutes.
    pub(crate) fn duplicate(&self, deduplication: Option<&str>, group: Option<&str>, now: u64) -> Option<Deduplicated> {
        let key = self.deduplication_key(deduplication, group)?;
        self.deduplications.get(&key).filter(|known| known.until > now).copied()
    }

    fn deduplication_key(&self, id: Option<&str>, group: Option<&str>) -> Option<String> {
        let id = id.filter(|_| self.is_fifo)?;
        let by_group = self.attributes.is("DeduplicationScope", "messageGroup");
        Some(if by_group { format!("{} {id}", group.unwrap_or_default()) } else { id.to_owned() })
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<Stored> {
        let message = self.messages.remove(&number)?;
        self.visible.remove(&number);
        self.hidden.remove(&(message.hidden_until, number));
        Some(message)
    }

    pub(crate) fn clear(&mut self) {
        self.messages.clear();
        self.visible.clear();
        self.hidden.clear();
    }

    /// Hides a message until a time.
    pub(crate) fn hide(&mut self, number: u64, until: u64) {
        let Some(message) = self.messages.get_mut(&number) else { return };
        self.visible.remove(&number);
        self.hidden.remove(&(message.hidden_until, number));
        message.hidden_until = until;
        self.hidden.insert((until, number));
    }

    /// Hides a message that is handed out.
    pub(crate) fn receive(&mut self, number: u64, at: u64, until: u64) {
        self.hide(number, until);
        if let Some(message) = self.messages.get_mut(&number) {
            message.receives += 1;
            message.last_received = at;
            if message.first_received == 0 {
                message.first_received = at;
            }
        }
    }

    /// Makes messages visible that somebody had received: nobody has them any more.
    pub(crate) fn release_all(&mut self, now: u64) {
        let held: Vec<u64> =
            self.messages.values().filter(|held| held.is_in_flight(now)).map(|held| held.number).collect();
        for number in held {
            self.hide(number, now);
        }
    }

    /// Makes messages visible whose time has come, and drops those that are too old.
    pub(crate) fn pass(&mut self, now: u64) {
        while let Some((until, number)) = self.hidden.first().copied().filter(|(until, _)| *until <= now) {
            self.hidden.remove(&(until, number));
            self.visible.insert(number);
        }
        let retention = self.attributes.number("MessageRetentionPeriod") * 1000;
        while let Some((number, sent)) = self.messages.first_key_value().map(|(number, oldest)| (*number, oldest.sent))
        {
            if sent + retention > now {
                break;
            }
            self.remove(number);
        }
        if self.deduplications.len() > 1000 {
            self.deduplications.retain(|_, known| known.until > now);
        }
    }

    /// The time at which the next message becomes visible by itself.
    pub(crate) fn next_change(&self) -> Option<u64> {
        self.hidden.first().map(|(until, _)| *until)
    }

    /// The visible messages that a receive of at most so many gets, in their order. A group of a FIFO queue waits while one of
    /// its messages is in flight, or an earlier one is delayed.
    pub(crate) fn find(&self, most: usize, now: u64) -> Vec<Found> {
        let mut blocked: HashMap<&str, u64> = HashMap::new();
        if self.is_fifo {
            for message in self.hidden.iter().filter_map(|(_, number)| self.messages.get(number)) {
                let from = if message.is_in_flight(now) { 0 } else { message.number };
                let group = blocked.entry(message.group.as_deref().unwrap_or_default()).or_insert(from);
                *group = from.min(*group);
            }
        }
        let is_free = |message: &&Stored| {
            let group = message.group.as_deref().unwrap_or_default();
            !self.is_fifo || blocked.get(group).is_none_or(|from| message.number < *from)
        };
        let mut found = Vec::new();
        let mut received = 0;
        for message in self.visible.iter().filter_map(|number| self.messages.get(number)).filter(is_free) {
            if received == most {
                break;
            }
            if self.attributes.redrive().is_some_and(|redrive| message.receives >= redrive.max_receives) {
                found.push(Found::Dead(message.number));
            } else {
                received += 1;
                found.push(Found::Received(message.number));
            }
        }
        found
    }

    pub(crate) fn counts(&self, now: u64) -> Counts {
        let in_flight = self.hidden.iter().filter_map(|(_, number)| self.messages.get(number));
        let in_flight = in_flight.filter(|message| message.is_in_flight(now)).count();
        Counts { visible: self.visible.len(), in_flight, delayed: self.hidden.len() - in_flight }
    }
}
