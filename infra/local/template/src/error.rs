//! Errors in a template, with their lines.

use std::path::PathBuf;

/// A template that cannot be run. Its text is one sentence that begins with `<file>:<line>:` where a line is known.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("{}: cannot read the template: {source}", file.display())]
    Read { file: PathBuf, source: std::io::Error },
    /// The values of dynamic references cannot be read.
    #[error("{}: cannot read the values of dynamic references: {source}", file.display())]
    References { file: PathBuf, source: std::io::Error },
    /// Something in the file is wrong or not supported.
    #[error("{}:{line}: {problem}", file.display())]
    At {
        file: PathBuf,
        line: usize,
        /// The problem at that line.
        problem: Problem,
    },
    /// A parameter was given that the template does not have.
    #[error("{}: the template has no parameter `{name}`; it has {}", file.display(), list(known))]
    UnknownParameter {
        file: PathBuf,
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
}

/// A problem at a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The file is not YAML.
    #[error("not valid YAML: {0}")]
    Yaml(String),
    /// A mapping has a key twice; YAML forbids it and one of the values would be lost.
    #[error("`{0}` occurs twice")]
    DuplicateKey(String),
    /// A key that `place` does not have, or that the local cloud does not honour.
    #[error("{place} with `{key}` is not supported; supported: {}", list(supported))]
    UnknownKey {
        key: String,
        /// The mapping, for example a resource type.
        place: String,
        supported: Vec<String>,
    },
    /// One of a fixed set was needed.
    #[error("{what} `{found}` is not supported; supported: {}", list(supported))]
    UnknownValue {
        /// The purpose of the value.
        what: String,
        found: String,
        supported: Vec<String>,
    },
    /// A required key is absent.
    #[error("{place} needs `{key}`")]
    Missing {
        key: String,
        /// The mapping that should have it.
        place: String,
    },
    /// A value of another kind.
    #[error("expected {expected}, found {found}")]
    Expected { expected: String, found: String },
    /// A name that nothing in the template has.
    #[error("the template has nothing named `{0}`")]
    UnknownName(String),
    /// A rule of CloudFormation, SAM or the local cloud is broken; the sentence says which.
    #[error("{0}")]
    Invalid(String),
}

/// A [`Problem`] whose file is not named yet: the reader knows one file only.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) problem: Problem,
}

impl Fault {
    pub(super) fn new(line: usize, problem: Problem) -> Self {
        Self { line, problem }
    }

    pub(super) fn invalid(line: usize, sentence: impl Into<String>) -> Self {
        Self::new(line, Problem::Invalid(sentence.into()))
    }

    pub(super) fn missing(line: usize, key: &str, place: &str) -> Self {
        Self::new(line, Problem::Missing { key: key.to_owned(), place: place.to_owned() })
    }

    pub(super) fn unknown_key<'a>(
        line: usize,
        key: &str,
        place: &str,
        supported: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::new(
            line,
            Problem::UnknownKey {
                key: key.to_owned(),
                place: place.to_owned(),
                supported: supported.into_iter().map(str::to_owned).collect(),
            },
        )
    }

    pub(super) fn unknown_value<'a>(
        line: usize,
        what: &str,
        found: &str,
        supported: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::new(
            line,
            Problem::UnknownValue {
                what: what.to_owned(),
                found: found.to_owned(),
                supported: supported.into_iter().map(str::to_owned).collect(),
            },
        )
    }

    pub(super) fn in_file(self, file: &std::path::Path) -> TemplateError {
        TemplateError::At { file: file.to_owned(), line: self.line, problem: self.problem }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
