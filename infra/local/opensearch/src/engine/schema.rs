//! The layout of a mapping's fields in the index on the disk.

use std::collections::BTreeMap;

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value as _,
};
use tantivy::tokenizer::PreTokenizedString;
use tantivy::{TantivyDocument, Term};

use crate::mapping::{Document, FieldMapping, FieldType, FieldValues, Mapping};

/// Names of the fields that every index has. No mapped field begins with an underscore.
pub(crate) const VERSION: &str = "_version";
pub(crate) const SEQ_NO: &str = "_seq_no";

/// The analyzer that leaves a value as it is.
const RAW: &str = "raw";

/// The fields of an index.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) schema: Schema,
    id: Field,
    source: Field,
    version: Field,
    seq_no: Field,
    tombstone: Field,
    field_names: Field,
    mapped: BTreeMap<String, Field>,
}

/// A document as it is kept, or the tombstone of a deleted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) id: String,
    /// `None` for a tombstone.
    pub(crate) source: Option<String>,
}

impl Layout {
    pub(crate) fn of(mapping: &Mapping) -> Self {
        let mut builder = Schema::builder();
        let raw = || TextOptions::default().set_indexing_options(exact());
        let id = builder.add_text_field("_id", raw() | STORED);
        let source = builder.add_bytes_field("_source", STORED);
        let version = builder.add_i64_field(VERSION, FAST);
        let seq_no = builder.add_i64_field(SEQ_NO, FAST);
        let tombstone = builder.add_u64_field("_tombstone", INDEXED);
        let field_names = builder.add_text_field("_field_names", raw());
        let mapped = mapping.fields.iter().map(|(name, field)| {
            let added = match field.kind {
                FieldType::Keyword => builder.add_text_field(name, raw().set_fast(RAW)),
                FieldType::Text => builder.add_text_field(name, positions(field)),
                FieldType::Long | FieldType::Date | FieldType::Boolean => builder.add_i64_field(name, FAST),
            };
            (name.clone(), added)
        });
        let mapped = mapped.collect();
        Self { schema: builder.build(), id, source, version, seq_no, tombstone, field_names, mapped }
    }

    /// Returns a mapped field.
    pub(crate) fn field(&self, name: &str) -> Option<Field> {
        self.mapped.get(name).copied()
    }

    /// Returns the term of a document's id.
    pub(crate) fn id(&self, id: &str) -> Term {
        Term::from_field_text(self.id, id)
    }

    /// Returns the term that all tombstones have.
    pub(crate) fn tombstones(&self) -> Term {
        Term::from_field_u64(self.tombstone, 1)
    }

    /// Returns the term of all documents that have a field.
    pub(crate) fn has(&self, name: &str) -> Term {
        Term::from_field_text(self.field_names, name)
    }

    /// Makes what the index keeps of a document.
    pub(crate) fn document(
        &self,
        id: &str,
        version: i64,
        seq_no: i64,
        source: &str,
        document: Document,
    ) -> TantivyDocument {
        let mut kept = self.common(id, version, seq_no);
        kept.add_bytes(self.source, source.as_bytes());
        for (name, values) in document.fields {
            let Some(field) = self.field(&name) else { continue };
            kept.add_text(self.field_names, &name);
            match values {
                FieldValues::Keywords(texts) => texts.iter().for_each(|text| kept.add_text(field, text)),
                FieldValues::Longs(longs) => longs.iter().for_each(|long| kept.add_i64(field, *long)),
                FieldValues::Tokens(tokens) => {
                    kept.add_pre_tokenized_text(field, PreTokenizedString { text: String::new(), tokens });
                }
            }
        }
        kept
    }

    /// Makes what the index keeps of a deleted document.
    pub(crate) fn tombstone(&self, id: &str, version: i64, seq_no: i64) -> TantivyDocument {
        let mut kept = self.common(id, version, seq_no);
        kept.add_u64(self.tombstone, 1);
        kept
    }

    fn common(&self, id: &str, version: i64, seq_no: i64) -> TantivyDocument {
        let mut kept = TantivyDocument::default();
        kept.add_text(self.id, id);
        kept.add_i64(self.version, version);
        kept.add_i64(self.seq_no, seq_no);
        kept
    }

    /// Reads what the index keeps of a document.
    pub(crate) fn kept(&self, document: &TantivyDocument) -> Kept {
        let id = document.get_first(self.id).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        let source = document.get_first(self.source).and_then(|value| value.as_bytes());
        Kept { id, source: source.map(|source| String::from_utf8_lossy(source).into_owned()) }
    }
}

/// Terms without frequencies: a value is there or not.
fn exact() -> TextFieldIndexing {
    TextFieldIndexing::default().set_tokenizer(RAW).set_fieldnorms(false).set_index_option(IndexRecordOption::Basic)
}

/// Tokens come cut already; no analyzer of the index is used.
fn positions(field: &FieldMapping) -> TextOptions {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(RAW)
        .set_fieldnorms(field.has_norms())
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    TextOptions::default().set_indexing_options(indexing)
}
