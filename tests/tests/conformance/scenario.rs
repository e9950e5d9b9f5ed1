//! The format of scenarios: `tests/conformance/README.md` explains it.

use std::collections::BTreeMap;
use std::path::Path;

use end_to_end::cloud::root;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// Name of its file.
    #[serde(skip)]
    pub(crate) file: String,
    pub(crate) name: String,
    /// Rules of the client guide.
    pub(crate) rules: Vec<String>,
    /// What a client may lack.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    pub(crate) users: Vec<String>,
    pub(crate) conversation: Conversation,
    pub(crate) clients: BTreeMap<String, Described>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Conversation {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The first of them creates it.
    pub(crate) members: Vec<String>,
}

/// A client under test.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Described {
    pub(crate) user: String,
    #[serde(default, rename = "store")]
    pub(crate) _store: Option<String>,
    #[serde(default)]
    pub(crate) pace: Paces,
    /// Lifetime of its tokens.
    pub(crate) token_seconds: Option<u64>,
}

/// Intervals of a client, in milliseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paces {
    pub(crate) answer: Option<u64>,
    pub(crate) sync: Option<u64>,
    pub(crate) renew_before_expiry: Option<u64>,
}

/// A text, or one that is too long to be written down.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
    Written(String),
    Repeated { repeat: String, times: usize },
}

impl Text {
    pub(crate) fn written(&self) -> String {
        match self {
            Self::Written(text) => text.clone(),
            Self::Repeated { repeat, times } => repeat.repeat(*times),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    Start { client: String },
    Stop { client: String },
    Open { client: String },
    Read { client: String },
    Say(Say),
    Edit { user: String, text: String, to: String },
    Delete { user: String, text: String },
    React { user: String, text: String, emoji: String, on: Option<bool> },
    Add { user: String, member: String },
    Remove { user: String, member: String },
    DeleteAccount { user: String, messages: String },
    Network(Network),
    Faults { plan: Option<Value> },
    Kill { function: String },
    Expect(Expect),
    History { user: String, texts: Vec<Text> },
}

/// Texts of a client, or of a user over HTTP.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Say {
    pub(crate) client: Option<String>,
    pub(crate) user: Option<String>,
    #[serde(default)]
    pub(crate) texts: Vec<Text>,
    pub(crate) wait: Option<bool>,
    #[serde(default)]
    pub(crate) count: usize,
    #[serde(default)]
    pub(crate) prefix: String,
}

/// What the proxy of a client does from now on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    pub(crate) client: String,
    pub(crate) offline: Option<bool>,
    #[serde(default)]
    pub(crate) cut: bool,
    pub(crate) lose_answers: Option<Answers>,
    pub(crate) cut_at_answers: Option<Answers>,
    pub(crate) lose_pushes: Option<u64>,
    pub(crate) delay: Option<u64>,
    pub(crate) inject: Option<String>,
}

/// So many answers to frames with an action.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answers {
    pub(crate) action: String,
    pub(crate) count: u64,
}

/// States that have to come.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) client: String,
    #[serde(skip_serializing)]
    pub(crate) texts: Option<Vec<Option<Text>>>,
    #[serde(skip_serializing)]
    pub(crate) ends_with: Option<Vec<Option<Text>>>,
    pub(crate) reactions: Option<BTreeMap<String, BTreeMap<String, usize>>>,
    pub(crate) failed: Option<BTreeMap<String, usize>>,
    pub(crate) unread: Option<usize>,
    pub(crate) caught_up: Option<bool>,
    pub(crate) connections_at_least: Option<usize>,
    pub(crate) at_most: Option<BTreeMap<String, usize>>,
    pub(crate) at_least: Option<BTreeMap<String, usize>>,
}

impl Scenario {
    fn read(path: &Path) -> Self {
        let json = std::fs::read(path).expect("a file");
        let read: Self = serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(!read.name.is_empty() && !read.rules.is_empty(), "{} says nothing", path.display());
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { file, ..read }
    }

    /// Returns true if the cloud has faults meanwhile.
    pub(crate) fn has_faults(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Faults { .. }))
    }
}

/// Reads all scenarios.
pub(crate) fn all() -> Vec<Scenario> {
    let folder = std::fs::read_dir(root().join("tests/conformance")).expect("the scenarios");
    let mut paths: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| Scenario::read(path)).collect()
}
