//! Reads what clients send: bodies and frames ([`Json`]), query parameters ([`Query`]), and numbers in paths.
//!
//! Both doors use these readers, so that the same input has the same verdict over HTTP and WebSocket. They know the types by
//! serde and are stricter than its formats: a struct is an object and never an array, a field occurs once, a number is at most
//! 2^53 - 1, and an error names the field.

mod error;
mod json;
mod query;
mod value;

pub use json::{Json, MAX_REQUEST_BYTES};
pub use query::{Cursor, PageSize, Query, page, page_size};

use error::Error;
