//! The error of a reader: the field, and what is wrong with it.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::ids::A_UUID;
use crate::{ApiError, ErrorCode};

/// Longest name of a field that an error repeats, in characters.
const MAX_NAME_CHARS: usize = 60;

/// A value that does not have the documented form.
#[derive(Debug)]
pub(super) struct Error {
    /// The field from the innermost segment on.
    path: Vec<Segment>,
    problem: Problem,
}

#[derive(Debug)]
enum Segment {
    Field(String),
    Index(usize),
}

#[derive(Debug)]
enum Problem {
    Missing,
    Unknown,
    /// It must be this.
    Expected(String),
    /// It must be one of these.
    Variant(&'static [&'static str]),
    /// The predicate of the field: "must …", "is …".
    Other(String),
}

impl Error {
    /// The value of this field has the error.
    pub(super) fn in_field(mut self, name: &str) -> Self {
        self.path.push(Segment::Field(name.to_owned()));
        self
    }

    /// The element with this index has the error.
    pub(super) fn in_element(mut self, index: usize) -> Self {
        self.path.push(Segment::Index(index));
        self
    }

    pub(super) fn expected(what: &str) -> Self {
        Self::of(Problem::Expected(what.to_owned()))
    }

    /// A value whose field `predicate` says what is wrong.
    pub(super) fn predicate(predicate: impl fmt::Display) -> Self {
        Self::of(Problem::Other(predicate.to_string()))
    }

    fn of(problem: Problem) -> Self {
        Self { path: Vec::new(), problem }
    }

    /// Returns the refusal; `noun` is what the path names: a field or a parameter.
    pub(super) fn refusal(&self, noun: &str) -> ApiError {
        let path = self.path();
        let subject = if path.is_empty() { "The request".to_owned() } else { format!("`{path}`") };
        match &self.problem {
            Problem::Missing => ApiError::invalid(format!("The {noun} `{path}` is missing.")),
            Problem::Unknown => ApiError::new(ErrorCode::UnknownField, format!("The {noun} `{path}` is unknown.")),
            Problem::Expected(what) if what == A_UUID => {
                ApiError::new(ErrorCode::InvalidUuid, format!("{subject} is not a UUID."))
            }
            Problem::Expected(what) => ApiError::invalid(format!("{subject} must be {}.", plain(what))),
            Problem::Variant(names) => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                ApiError::invalid(format!("{subject} must be one of {}.", names.join(", ")))
            }
            Problem::Other(predicate) => ApiError::invalid(format!("{subject} {predicate}.")),
        }
    }

    fn path(&self) -> String {
        let segments = self.path.iter().rev().enumerate().map(|(n, segment)| match segment {
            Segment::Index(index) => format!("[{index}]"),
            Segment::Field(name) if n == 0 => short(name),
            Segment::Field(name) => format!(".{}", short(name)),
        });
        segments.collect()
    }
}

/// The beginning of a name, which a client may have made long.
pub(super) fn short(name: &str) -> String {
    match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// The words for what a type of Rust expects.
fn plain(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "a sequence" => "an array",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal("field").fmt(f)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::predicate(message)
    }

    /// An id of the wrong type is no malformed id: the client has confused fields.
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(&expected.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::expected(&expected.to_string())
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::expected(&expected.to_string())
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::of(Problem::Variant(expected))
    }

    /// The reader of an object adds the name.
    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self::of(Problem::Unknown)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of(Problem::Missing).in_field(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::predicate("occurs twice").in_field(field)
    }
}
