//! Errors of the file, as far as they are reported.

use domain::import::{ImportError, MAX_IMPORT_ERRORS};
use store::StoreError;

/// Longest message of an error, in bytes: parts of a line may be in it.
const MAX_MESSAGE_BYTES: usize = 300;

/// End of the work on an import.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    /// The file breaks rules of the format.
    #[error("the file breaks rules of the format")]
    Invalid(Vec<ImportError>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StepError {
    /// An error of the file as a whole.
    pub(super) fn of_file(message: impl Into<String>) -> Self {
        let mut errors = Errors::default();
        errors.add("", None, message);
        Self::Invalid(errors.list)
    }
}

/// The first errors of a file.
#[derive(Debug, Default)]
pub(super) struct Errors {
    pub(super) list: Vec<ImportError>,
}

impl Errors {
    pub(super) fn add(&mut self, file: &str, line: Option<u64>, message: impl Into<String>) {
        if self.is_full() {
            return;
        }
        let mut message = message.into();
        if message.len() > MAX_MESSAGE_BYTES {
            message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
            message.push('…');
        }
        self.list.push(ImportError { file: file.to_owned(), line, message });
    }

    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= MAX_IMPORT_ERRORS
    }
}
