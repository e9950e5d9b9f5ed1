//! The log under everything that can go wrong at once: other writers, lost responses, members who come and go.
//!
//! The log's own code runs in the test, against the DynamoDB of a whole local cloud in which the conversations are made.

mod amendments;
mod batches;
mod change;
mod chaos;
mod conversation;
mod flood;
mod history;
mod limits;
mod membership;
mod pages;
mod proxy;
mod references;
mod remembered;
mod resends;
mod rights;
mod rights_without_items;
mod shared_cache;
mod sync;
mod writers;
