//! Versions of documents: which write comes through.

use std::str::FromStr;

use crate::error::ApiError;

/// The meaning of a version that a request gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionType {
    /// The engine counts: one more than the version that it has.
    Internal,
    /// Greater than the version that is there.
    External,
    /// As great, or greater.
    ExternalGte,
}

impl FromStr for VersionType {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        match text {
            "internal" => Ok(Self::Internal),
            "external" | "external_gt" => Ok(Self::External),
            "external_gte" => Ok(Self::ExternalGte),
            other => Err(ApiError::illegal_argument(format!("No version type match [{other}]"))),
        }
    }
}

/// The version that a write asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versioning {
    /// One more than the version that the index has, or 1.
    Next,
    /// The next one of a document that does not exist.
    Create,
    /// This one, if it is greater, or with `or_equal` at least as great.
    External { version: i64, or_equal: bool },
}

/// The newest version of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Current {
    pub(crate) version: i64,
    pub(crate) is_deleted: bool,
}

impl Versioning {
    /// Reads the version of a request.
    pub(crate) fn of(version: Option<i64>, kind: VersionType, is_create: bool) -> Result<Self, ApiError> {
        match (kind, version) {
            (VersionType::Internal, None) => Ok(if is_create { Self::Create } else { Self::Next }),
            (VersionType::Internal, Some(_)) => Err(ApiError::validation(
                "internal versioning can not be used for optimistic concurrency control. Please use `if_seq_no` and \
                 `if_primary_term` instead",
            )),
            (_, _) if is_create => {
                Err(ApiError::validation("create operations only support internal versioning. use index instead"))
            }
            (VersionType::External | VersionType::ExternalGte, Some(version)) if version >= 0 => {
                Ok(Self::External { version, or_equal: kind == VersionType::ExternalGte })
            }
            (_, version) => {
                let name = if kind == VersionType::External { "EXTERNAL" } else { "EXTERNAL_GTE" };
                let version = version.unwrap_or(-3);
                Err(ApiError::validation(format!("illegal version value [{version}] for version type [{name}]")))
            }
        }
    }

    /// Returns the version that a write gets, or the conflict with the one that is there.
    pub(crate) fn next(self, id: &str, current: Option<Current>) -> Result<i64, ApiError> {
        let conflict = |reason: String| Err(ApiError::conflict(format!("[{id}]: version conflict, {reason}")));
        match (self, current) {
            (Self::External { version, .. }, None) => Ok(version),
            (Self::External { version, or_equal }, Some(Current { version: current, .. })) => {
                if version > current || (or_equal && version == current) {
                    return Ok(version);
                }
                let relation = if or_equal { "higher than" } else { "higher or equal to" };
                conflict(format!("current version [{current}] is {relation} the one provided [{version}]"))
            }
            (Self::Create, Some(Current { version, is_deleted: false })) => {
                conflict(format!("document already exists (current version [{version}])"))
            }
            (_, current) => Ok(current.map_or(1, |current| current.version.saturating_add(1))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_version_has_to_grow_also_over_a_deletion() {
        let next = |version, or_equal, current, is_deleted| {
            let current = Some(Current { version: current, is_deleted });
            Versioning::External { version, or_equal }.next("1", current).is_ok()
        };
        assert!(next(5, false, 4, false) && next(5, true, 5, true));
        assert!(!next(5, false, 5, false) && !next(4, true, 5, false) && !next(4, false, 5, true));
    }

    #[test]
    fn the_engine_counts_where_no_version_is_given() {
        let current = |is_deleted| Some(Current { version: 7, is_deleted });
        assert_eq!(Versioning::Next.next("1", None), Ok(1));
        assert_eq!(Versioning::Next.next("1", current(true)), Ok(8));
        assert_eq!(Versioning::Create.next("1", current(true)), Ok(8));
        let error = Versioning::Create.next("1", current(false)).unwrap_err();
        assert_eq!(error.reason, "[1]: version conflict, document already exists (current version [7])");
    }
}
