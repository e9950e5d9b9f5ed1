//! One operation: a method and a path, with what goes in and what comes out.

use domain::ErrorCode;
use domain::protocol::read::PageSize;
use schemars::JsonSchema;
use serde_json::Value;

use crate::schemas::Schemas;
use crate::shape::Shape;

/// The callers of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Users alone.
    Users,
    /// Users, and backends as a user: the path below `/v1/server/` does the same.
    UsersAndBackends,
    /// The same, and backends also as the system.
    UsersAndSystem,
    /// Backends alone, as a user or as the system; the path is written without `server/`.
    Backends,
}

/// A field of the query: its name, its schema, and true if it is required.
type QueryField = (String, Value, bool);

/// An operation for users, and, unless its callers say otherwise, none for backends.
#[derive(Clone, Debug)]
pub struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    pub id: &'static str,
    pub summary: &'static str,
    pub description: &'static str,
    pub tag: &'static str,
    pub callers: Callers,
    pub query: Option<fn(&mut Schemas) -> Vec<QueryField>>,
    pub page: Option<PageSize>,
    pub body: Option<Shape>,
    /// Media types of a body that is bytes, where it is no JSON.
    pub bytes: &'static [&'static str],
    /// True if fields that the body's type does not have are ignored.
    pub takes_unknown_fields: bool,
    pub is_idempotent: bool,
    pub answers: Vec<(u16, &'static str, Option<Shape>)>,
    pub redirects: bool,
    pub errors: Vec<ErrorCode>,
}

impl Operation {
    pub(super) fn new(route: &'static str, id: &'static str, summary: &'static str) -> Self {
        let (method, path) = route.split_once(' ').expect("a route is a method and a path");
        Self {
            method,
            path,
            id,
            summary,
            description: "",
            tag: "",
            callers: Callers::Users,
            query: None,
            page: None,
            body: None,
            bytes: &[],
            takes_unknown_fields: false,
            is_idempotent: false,
            answers: Vec::new(),
            redirects: false,
            errors: Vec::new(),
        }
    }

    pub(super) fn describe(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    pub(super) fn callers(self, callers: Callers) -> Self {
        Self { callers, ..self }
    }

    /// The query has the fields of this type, and no others.
    pub(super) fn query<T: JsonSchema>(self) -> Self {
        Self { query: Some(Schemas::query::<T>), ..self }
    }

    /// The answer is a page of a list: the query has `limit` and `cursor`.
    pub(super) fn page(self, page: PageSize) -> Self {
        Self { page: Some(page), ..self }
    }

    /// The body is bytes of one of these media types.
    pub(super) fn bytes(self, bytes: &'static [&'static str]) -> Self {
        Self { bytes, ..self }
    }

    pub(super) fn body(self, shape: Shape) -> Self {
        Self { body: Some(shape), ..self }
    }

    pub(super) fn takes_unknown_fields(self) -> Self {
        Self { takes_unknown_fields: true, ..self }
    }

    /// The request takes an `Idempotency-Key`.
    pub(super) fn idempotent(self) -> Self {
        Self { is_idempotent: true, ..self }
    }

    pub(super) fn answer(mut self, status: u16, text: &'static str, shape: Shape) -> Self {
        self.answers.push((status, text, Some(shape)));
        self
    }

    /// The operation answers 204, without a body.
    pub(super) fn no_content(mut self, text: &'static str) -> Self {
        self.answers.push((204, text, None));
        self
    }

    /// The operation redirects to where the content is.
    pub(super) fn redirects(self) -> Self {
        Self { redirects: true, ..self }
    }

    /// Errors beside those that every operation of its form has.
    pub(super) fn errors(mut self, errors: &[ErrorCode]) -> Self {
        self.errors.extend(errors);
        self
    }

    pub(super) fn tag(self, tag: &'static str) -> Self {
        Self { tag, ..self }
    }

    /// Returns every error that the operation can answer with.
    pub fn all_errors(&self, by_backend: bool) -> Vec<ErrorCode> {
        let mut all = self.errors.clone();
        all.extend([ErrorCode::Unauthorized, ErrorCode::UserDeleted, ErrorCode::Internal, ErrorCode::Busy]);
        if self.body.is_some() {
            all.extend([
                ErrorCode::BadJson,
                ErrorCode::InvalidRequest,
                ErrorCode::InvalidUuid,
                ErrorCode::BodyTooLarge,
            ]);
        }
        if !self.bytes.is_empty() {
            all.extend([ErrorCode::InvalidRequest, ErrorCode::BodyTooLarge]);
        }
        let has_query = self.query.is_some() || self.page.is_some();
        if has_query || (self.body.is_some() && !self.takes_unknown_fields) {
            all.extend([ErrorCode::InvalidRequest, ErrorCode::UnknownField]);
        }
        if has_query {
            all.push(ErrorCode::InvalidUuid);
        }
        if self.path.contains('{') {
            all.extend([ErrorCode::InvalidUuid, ErrorCode::NotFound]);
        }
        if self.is_idempotent {
            all.extend([ErrorCode::InvalidRequest, ErrorCode::IdempotencyMismatch]);
        }
        if by_backend {
            all.extend([ErrorCode::InvalidRequest, ErrorCode::InvalidUuid]);
        }
        let mut seen = Vec::new();
        all.retain(|code| {
            !seen.contains(code) && {
                seen.push(*code);
                true
            }
        });
        all
    }
}
