//! The Data API endpoint through AWS's own client, on a real PostgreSQL.

mod calls;
mod errors;
mod harness;
mod limits;
mod parameters;
mod server;
mod transactions;
mod values;
