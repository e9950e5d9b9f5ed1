//! The values of one segment by which its hits are compared, each as a number: the smaller comes first.

use tantivy::SegmentReader;
use tantivy::columnar::{Column, ColumnIndex, StrColumn};
use tantivy::termdict::TermOrdinal;

use super::sort::{By, Criterion, Key};
use crate::error::ApiError;
use crate::mapping::FieldType;

/// One criterion in a segment.
pub(super) struct SegmentKey {
    is_descending: bool,
    values: Values,
}

enum Values {
    Score,
    Document,
    Long {
        column: Option<Column<i64>>,
        missing: i64,
    },
    /// Positions in the segment's list of texts.
    Text {
        column: Option<StrColumn>,
        missing: i64,
    },
}

impl SegmentKey {
    pub(super) fn open(
        criterion: &Criterion,
        kind: Option<FieldType>,
        segment: &SegmentReader,
    ) -> Result<Self, ApiError> {
        let is_descending = criterion.is_descending;
        let values = match (&criterion.by, kind) {
            (By::Score, _) => Values::Score,
            (By::Document, _) => Values::Document,
            (By::Field(name), Some(FieldType::Keyword)) => {
                let column =
                    if segment.schema().get_field(name).is_ok() { segment.fast_fields().str(name)? } else { None };
                Values::Text { column, missing: criterion.missing_number() }
            }
            (By::Field(name), _) => {
                let is_there = segment.schema().get_field(name).is_ok();
                let column = if is_there { segment.fast_fields().column_opt::<i64>(name)? } else { None };
                Values::Long { column, missing: criterion.missing_number() }
            }
        };
        Ok(Self { is_descending, values })
    }

    /// Returns the number of a hit.
    pub(super) fn of(&self, doc: u32, score: f32) -> i64 {
        let value = match &self.values {
            Values::Score => ordered(score),
            Values::Document => i64::from(doc),
            Values::Long { column, missing } => {
                column.as_ref().and_then(|column| self.extreme(column, doc)).unwrap_or(*missing)
            }
            Values::Text { column, missing } => {
                let ordinal = column.as_ref().and_then(|column| self.extreme(column.ords(), doc));
                ordinal.map_or(*missing, between)
            }
        };
        self.directed(value)
    }

    /// Returns the number of a value of `search_after`, which no document of the segment has to have.
    pub(super) fn of_key(&self, key: &Key) -> Result<i64, ApiError> {
        let value = match (&self.values, key) {
            (Values::Score, Key::Score(score)) => ordered(*score),
            (Values::Text { column: Some(column), .. }, Key::Text(Some(text))) => {
                let dictionary = column.dictionary();
                match dictionary.term_ord(text)? {
                    Some(ordinal) => between(ordinal),
                    // Between its neighbours.
                    None => match dictionary.term_ord_or_next(text)? {
                        tantivy::columnar::TermOrdHit::Exact(ordinal) => between(ordinal),
                        tantivy::columnar::TermOrdHit::Next(next) => between(next) - 1,
                    },
                }
            }
            (Values::Text { missing, .. }, Key::Text(None)) => *missing,
            // No document has a text: all come at the end for missing ones, and this one before or after it.
            (Values::Text { .. }, Key::Text(Some(_))) => 0,
            (_, Key::Long(long)) => *long,
            _ => return Err(ApiError::illegal_argument("a value of [search_after] is not of its field's type")),
        };
        Ok(self.directed(value))
    }

    /// Returns the value to compare with those of other segments.
    pub(super) fn key(&self, number: i64, score: f32) -> Result<Key, ApiError> {
        let value = self.directed(number);
        Ok(match &self.values {
            Values::Score => Key::Score(score),
            Values::Document | Values::Long { .. } => Key::Long(value),
            Values::Text { missing, .. } if value == *missing => Key::Text(None),
            Values::Text { column, .. } => {
                let mut text = String::new();
                if let Some(column) = column {
                    column.ord_to_str(u64::try_from(value / 2).unwrap_or_default(), &mut text)?;
                }
                Key::Text(Some(text))
            }
        })
    }

    /// The smallest of several values, or the greatest in a descending order.
    fn extreme<T: PartialOrd + Copy + Send + Sync + std::fmt::Debug + 'static>(
        &self,
        column: &Column<T>,
        doc: u32,
    ) -> Option<T> {
        // Mostly each document has one value.
        if let ColumnIndex::Full = column.index {
            return Some(column.values.get_val(doc));
        }
        column.values_for_doc(doc).reduce(|one, other| if (other < one) == self.is_descending { one } else { other })
    }

    /// Turns a descending order round. Twice is the number again.
    fn directed(&self, value: i64) -> i64 {
        if self.is_descending { !value } else { value }
    }
}

/// The number of a text: between two of them is room for one that the segment lacks.
fn between(ordinal: TermOrdinal) -> i64 {
    i64::try_from(ordinal).unwrap_or(i64::MAX / 4) * 2 + 1
}

/// A number with the order of the scores.
fn ordered(score: f32) -> i64 {
    let bits = score.to_bits().cast_signed();
    i64::from(if bits < 0 { bits ^ i32::MAX } else { bits })
}
