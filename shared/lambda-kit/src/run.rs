//! The process of a function.

use tokio::runtime::Builder;

use crate::Error;

/// Runs a function to its end, on the thread that calls.
pub fn run(function: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    Builder::new_current_thread().enable_all().build()?.block_on(function)
}
