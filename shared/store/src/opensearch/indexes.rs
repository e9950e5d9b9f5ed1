//! The indexes and their aliases.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::failed;
use super::{MessageIndex, WRITE_TIMEOUT};
use crate::StoreError;

/// The index with the mapping of this version. Another mapping gets another name.
pub const INDEX: &str = "messages-v1";

/// Alias of the indexes in which searches look.
pub const READ_ALIAS: &str = "messages-read";

/// Alias of the index that gets changes.
pub const WRITE_ALIAS: &str = "messages-write";

/// First part of the name of every index.
const INDEX_PREFIX: &str = "messages-v";

/// Error of an index that another process has just made.
const EXISTS: &str = "resource_already_exists_exception";

/// Not a name of an index of messages.
#[derive(Debug, thiserror::Error)]
#[error("an index of messages is called `messages-v` with a number, and small letters, digits and hyphens after it")]
struct InvalidName;

/// Indexes behind the two aliases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aliases {
    pub read: Vec<String>,
    pub write: Option<String>,
}

/// Aliases of an index, as OpenSearch lists them.
#[derive(Deserialize)]
struct AliasesOfIndex {
    aliases: BTreeMap<String, Value>,
}

impl MessageIndex {
    /// Makes the index and its aliases unless they exist, before the first change: a change of an index that does not exist would
    /// make one without the mapping. Cost: one request, or two.
    pub async fn ensure(&self) -> Result<(), StoreError> {
        let path = format!("/_alias/{WRITE_ALIAS}");
        let answer = self.client.ask(Method::HEAD, &path, WRITE_TIMEOUT).await?;
        match answer.status {
            StatusCode::NOT_FOUND => {
                let aliases = json!({READ_ALIAS: {}, WRITE_ALIAS: {"is_write_index": true}});
                self.create(INDEX, &aliases).await
            }
            _ => answer.succeeded(),
        }
    }

    /// Returns the indexes behind the aliases.
    pub async fn aliases(&self) -> Result<Aliases, StoreError> {
        let mut found = Aliases::default();
        for (alias, is_read) in [(READ_ALIAS, true), (WRITE_ALIAS, false)] {
            let answer = self.client.ask(Method::GET, &format!("/_alias/{alias}"), WRITE_TIMEOUT).await?;
            if answer.status == StatusCode::NOT_FOUND {
                continue;
            }
            let indexes: BTreeMap<String, AliasesOfIndex> = answer.read()?;
            let of_alias = indexes.into_iter().filter(|(_, index)| index.aliases.contains_key(alias));
            for (index, _) in of_alias {
                if is_read {
                    found.read.push(index);
                } else {
                    found.write = Some(index);
                }
            }
        }
        Ok(found)
    }

    /// Makes a new index that gets all changes from now on, while searches look in it and in those of before. Safe to repeat.
    pub async fn begin(&self, index: &str) -> Result<(), StoreError> {
        check_name(index)?;
        self.create(index, &json!({})).await?;
        let before = self.aliases().await?;
        let removed = before.write.filter(|write| write != index);
        let mut actions: Vec<Value> =
            removed.into_iter().map(|old| json!({"remove": {"index": old, "alias": WRITE_ALIAS}})).collect();
        actions.push(json!({"add": {"index": index, "alias": WRITE_ALIAS, "is_write_index": true}}));
        actions.push(json!({"add": {"index": index, "alias": READ_ALIAS}}));
        self.change_aliases(&actions).await
    }

    /// Returns true if there is an index of this name, behind an alias or not.
    pub async fn exists(&self, index: &str) -> Result<bool, StoreError> {
        check_name(index)?;
        let answer = self.client.ask(Method::HEAD, &format!("/{index}"), WRITE_TIMEOUT).await?;
        if answer.status == StatusCode::NOT_FOUND { Ok(false) } else { answer.succeeded().map(|()| true) }
    }

    /// Makes searches look in this index alone, and deletes those of before and `replaced`. Returns the names of all that are gone. Fails
    /// unless this index gets the changes. Safe to repeat.
    pub async fn finish(&self, index: &str, replaced: &[String]) -> Result<Vec<String>, StoreError> {
        let Aliases { read, write } = self.aliases().await?;
        if write.as_deref() != Some(index) {
            return Err(StoreError::Inconsistent(format!("changes go to the index {write:?} and not to {index}")));
        }
        let searched: Vec<&String> = read.iter().filter(|searched| *searched != index).collect();
        let actions: Vec<Value> =
            searched.iter().map(|old| json!({"remove": {"index": old, "alias": READ_ALIAS}})).collect();
        if !actions.is_empty() {
            self.change_aliases(&actions).await?;
        }
        let mut old: Vec<String> = searched.into_iter().chain(replaced).cloned().collect();
        old.sort_unstable();
        old.dedup();
        for index in &old {
            self.delete(index).await?;
        }
        Ok(old)
    }

    /// Deletes an index. Returns false if there is none of this name.
    pub async fn delete(&self, index: &str) -> Result<bool, StoreError> {
        check_name(index)?;
        let answer = self.client.ask(Method::DELETE, &format!("/{index}"), WRITE_TIMEOUT).await?;
        if answer.status == StatusCode::NOT_FOUND { Ok(false) } else { answer.succeeded().map(|()| true) }
    }

    async fn create(&self, index: &str, aliases: &Value) -> Result<(), StoreError> {
        let body = json!({"mappings": mapping(), "aliases": aliases});
        let answer = self.client.send_json(Method::PUT, &format!("/{index}"), &body, WRITE_TIMEOUT).await?;
        if answer.is_refused_as(EXISTS) { Ok(()) } else { answer.succeeded() }
    }

    async fn change_aliases(&self, actions: &[Value]) -> Result<(), StoreError> {
        let body = json!({"actions": actions});
        self.client.send_json(Method::POST, "/_aliases", &body, WRITE_TIMEOUT).await?.succeeded()
    }
}

fn check_name(index: &str) -> Result<(), StoreError> {
    if is_name(index) { Ok(()) } else { Err(failed(InvalidName)) }
}

/// Returns true for the name of an index of messages, and nothing that would reach another part of the API.
fn is_name(index: &str) -> bool {
    let Some(version) = index.strip_prefix(INDEX_PREFIX) else { return false };
    version.starts_with(|c: char| c.is_ascii_digit())
        && version.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// The mapping: only what [`super::Document`] has. Terms are cut at spaces and nothing else.
fn mapping() -> Value {
    json!({
        "dynamic": "strict",
        "properties": {
            "conversation_id": {"type": "keyword"},
            "seq": {"type": "long"},
            "sender_id": {"type": "keyword"},
            "sent_at": {"type": "date", "format": "epoch_millis"},
            "version": {"type": "long"},
            "terms": {"type": "text", "analyzer": "whitespace"},
            "files": {"type": "text", "analyzer": "whitespace"},
            "has": {"type": "keyword"},
            "mentions": {"type": "keyword"},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_indexes_reach_nothing_else() {
        for name in [INDEX, "messages-v2", "messages-v12-again"] {
            assert!(is_name(name), "{name}");
        }
        for name in
            ["messages-v", "messages-read", "other", "messages-v1/_doc", "messages-v1,other", "messages-v1*", ""]
        {
            assert!(!is_name(name), "{name}");
        }
    }
}
