//! PostgreSQL types by name, the only property of a type that the Data API reports.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use sqlx_core::type_info::TypeInfo;

/// A PostgreSQL type.
///
/// As the type of an argument it is what the argument's placeholder is cast to; as the type of a column it is what the
/// service reports.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DataApiTypeInfo(Cow<'static, str>);

macro_rules! built_in {
    ($($constant:ident = $name:literal $(, $alias:literal)*;)*) => {
        #[allow(missing_docs, reason = "each is PostgreSQL's type of that name")]
        impl DataApiTypeInfo {
            $(pub const $constant: Self = Self::with_name($name);)*
        }

        /// The name that the constants use, for any spelling that PostgreSQL and the service have for the type.
        fn canonical(name: &str) -> Option<&'static str> {
            match name.to_ascii_lowercase().as_str() {
                $($name $(| $alias)* => Some($name),)*
                _ => None,
            }
        }
    };
}

built_in! {
    BOOL = "bool", "boolean";
    INT2 = "int2", "smallint", "smallserial", "serial2";
    INT4 = "int4", "integer", "int", "serial", "serial4";
    INT8 = "int8", "bigint", "bigserial", "serial8";
    FLOAT4 = "float4", "real";
    FLOAT8 = "float8", "double precision";
    NUMERIC = "numeric", "decimal";
    TEXT = "text";
    VARCHAR = "varchar", "character varying";
    BPCHAR = "bpchar", "char", "character";
    NAME = "name";
    BYTEA = "bytea";
    UUID = "uuid";
    TIMESTAMPTZ = "timestamptz", "timestamp with time zone";
    TIMESTAMP = "timestamp", "timestamp without time zone";
    DATE = "date";
    TIME = "time", "time without time zone";
    JSON = "json";
    JSONB = "jsonb";
    UNKNOWN = "unknown", "void", "";
}

impl DataApiTypeInfo {
    /// A type by its name: an enum, a domain, an extension's type.
    ///
    /// The name is written into the SQL text unchanged (`CAST(:p1 AS <name>)`), so quote and qualify it as SQL requires:
    /// `"app.mood"`, `"\"Mood\""`.
    pub const fn with_name(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The array type with elements of this type.
    #[must_use]
    pub fn array_of(&self) -> Self {
        Self(Cow::Owned(format!("{}[]", self.0)))
    }

    /// The type of the elements, of an array type.
    pub(crate) fn element(&self) -> Option<Self> {
        self.0.strip_suffix("[]").map(Self::reported)
    }

    /// Parses the name by which the service reports a type: `int4`, `INT4`, `_int4`, `INT4[]`, `mood`, …
    pub(crate) fn reported(name: &str) -> Self {
        let element = name.strip_suffix("[]").or_else(|| name.strip_prefix('_'));
        match (canonical(name), element.map(Self::reported)) {
            (Some(name), _) => Self::with_name(name),
            (None, Some(element)) => element.array_of(),
            (None, None) => Self(Cow::Owned(name.to_owned())),
        }
    }

    /// Returns true for types that a Rust string reads: text in all its forms, and types without a Rust type of their own that
    /// are reported as text (enums, `inet`, …).
    pub(crate) fn is_textual(&self) -> bool {
        let text = [Self::TEXT, Self::VARCHAR, Self::BPCHAR, Self::NAME, Self::UNKNOWN];
        text.contains(self) || canonical(&self.0).is_none() && self.element().is_none()
    }

    pub(crate) fn is_integer(&self) -> bool {
        [Self::INT2, Self::INT4, Self::INT8].contains(self)
    }
}

impl TypeInfo for DataApiTypeInfo {
    fn is_null(&self) -> bool {
        *self == Self::UNKNOWN
    }

    fn name(&self) -> &str {
        &self.0
    }
}

impl Display for DataApiTypeInfo {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_type_are_equal() {
        for (reported, expected) in [
            ("INT4", DataApiTypeInfo::INT4),
            ("serial", DataApiTypeInfo::INT4),
            ("TIMESTAMPTZ", DataApiTypeInfo::TIMESTAMPTZ),
            ("_uuid", DataApiTypeInfo::UUID.array_of()),
            ("TEXT[]", DataApiTypeInfo::TEXT.array_of()),
            ("_bool", DataApiTypeInfo::BOOL.array_of()),
            ("Mood", DataApiTypeInfo::with_name("Mood")),
        ] {
            assert_eq!(DataApiTypeInfo::reported(reported), expected);
        }
    }

    #[test]
    fn types_without_a_rust_type_are_textual() {
        for name in ["text", "varchar", "mood", "citext", "interval", "inet"] {
            assert!(DataApiTypeInfo::reported(name).is_textual(), "{name}");
        }
        for name in ["int4", "uuid", "jsonb", "_text", "timestamptz", "bytea"] {
            assert!(!DataApiTypeInfo::reported(name).is_textual(), "{name}");
        }
    }
}
