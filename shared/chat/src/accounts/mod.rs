//! Accounts: permanent deletion of a user.

mod deletion;

pub use deletion::{Deletion, Progress};
