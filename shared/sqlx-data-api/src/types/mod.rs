//! Rust types to and from PostgreSQL's, one file a family. The table is in the crate's documentation.

mod array;
mod bool;
mod bytes;
#[cfg(feature = "chrono")]
mod chrono;
mod date_time;
#[cfg(feature = "rust_decimal")]
mod decimal;
mod enums;
mod float;
mod int;
mod json;
mod str;
mod time;
mod uuid;

pub use array::DataApiHasArrayType;
