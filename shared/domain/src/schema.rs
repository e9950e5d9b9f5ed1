//! JSON Schemas of types that have a text or a number of their own form in JSON.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::file::{ContentType, Sha256Hex};
use crate::number::MAX_NUMBER;
use crate::protocol::http::{AuditCursor, AuditDay};
use crate::protocol::read::Cursor;
use crate::{Custom, Seq, Timestamp};

/// A UUID. Requests may have capitals.
pub(crate) struct UuidText;

/// Gives a type this schema: under its name, or in each place where it occurs.
macro_rules! schema {
    ($type:ty, $name:literal, $is_inline:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                $is_inline
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(UuidText, "Uuid", true, { "type": "string", "format": "uuid" });

schema!(Timestamp, "Timestamp", false, {
    "type": "string",
    "format": "date-time",
    "description": "A time in RFC 3339. Answers have it in UTC with three digits of fraction; requests may have any form within the \
        years 1970 to 9999."
});

schema!(Seq, "Seq", false, {
    "type": "integer",
    "minimum": 0,
    "maximum": MAX_NUMBER,
    "description": "A position in the log of a conversation: 1, 2, 3 and so on. 0 is the position before the first."
});

schema!(Custom, "Custom", false, {
    "type": "object",
    "additionalProperties": true,
    "description": "A JSON object that an app has added, at most 4,096 bytes without spaces and 8 levels deep. Keys have 1 to 100 bytes, \
        no controls, and no `$` at their beginning."
});

schema!(ContentType, "ContentType", false, {
    "type": "string",
    "pattern": "^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$",
    "maxLength": ContentType::MAX_BYTES,
    "description": "A media type without parameters. Answers have it in small letters."
});

schema!(Sha256Hex, "Sha256", false, {
    "type": "string",
    "pattern": "^[0-9A-Fa-f]{64}$",
    "description": "A SHA-256 in hexadecimal digits. Answers have small letters."
});

schema!(AuditDay, "Day", true, { "type": "string", "format": "date" });

schema!(AuditCursor, "AuditCursor", true, { "type": "string" });

impl<T> JsonSchema for Cursor<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cursor".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}
