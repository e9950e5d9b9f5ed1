//! Parts of a large file.

use serde::Deserialize;

use super::Sha256Hex;
use crate::ApiError;

/// Size of every part but the last, in bytes: S3 requires at least 5 MiB per part and at most 10,000 parts.
pub const PART_BYTES: u64 = 8 * 1024 * 1024;

/// Most parts whose URLs one request can get.
pub const MAX_PARTS_PER_REQUEST: usize = 100;

/// Parts of a file of this size.
pub const fn part_count(size: u64) -> u64 {
    size.div_ceil(PART_BYTES)
}

/// Returns the size of a part in bytes; `None` if the file has no part with this number. Parts are counted from 1.
pub const fn part_size(size: u64, number: u64) -> Option<u64> {
    let count = part_count(size);
    if number == 0 || number > count {
        None
    } else if number < count {
        Some(PART_BYTES)
    } else {
        Some(size - (count - 1) * PART_BYTES)
    }
}

/// Body of `POST /v1/files/{id}/parts`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PartsRequest {
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = MAX_PARTS_PER_REQUEST)))]
    pub parts: Vec<PartRequest>,
}

/// A part to sign an upload for, for the first time or again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PartRequest {
    /// Its number, counted from 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub part_number: u64,
    pub sha256: Sha256Hex,
}

impl PartsRequest {
    /// Checks that the parts are some of a file of this size.
    pub fn check(self, size: u64) -> Result<Vec<PartRequest>, ApiError> {
        if self.parts.is_empty() || self.parts.len() > MAX_PARTS_PER_REQUEST {
            return Err(ApiError::invalid(format!("`parts` must have 1 to {MAX_PARTS_PER_REQUEST} part numbers.")));
        }
        if self.parts.iter().any(|part| part_size(size, part.part_number).is_none()) {
            return Err(ApiError::invalid(format!(
                "The part numbers of this file must be between 1 and {}.",
                part_count(size)
            )));
        }
        Ok(self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::MAX_FILE_BYTES;

    #[test]
    fn part_sizes_add_up_to_the_file_size() {
        for size in [1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES - 1, MAX_FILE_BYTES] {
            let sizes = (1..=part_count(size)).map(|number| part_size(size, number).unwrap());
            assert_eq!(sizes.sum::<u64>(), size);
            assert_eq!((part_size(size, 0), part_size(size, part_count(size) + 1)), (None, None));
        }
        assert!(part_count(MAX_FILE_BYTES) <= 10_000);
    }
}
