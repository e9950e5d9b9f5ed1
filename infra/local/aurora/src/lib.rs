//! Aurora PostgreSQL with the Data API: a PostgreSQL server of this machine, and the RDS Data API in front of it.
//!
//! [`postgres`] finds and runs the server; [`data_api`] speaks AWS's REST-JSON on one side and PostgreSQL's protocol
//! on the other, with the types, limits and errors of Aurora Serverless v2. The two meet in [`Database`] only, so that
//! any server can take the place of ours.

#![warn(missing_docs)]

mod database;
mod login;

pub mod data_api;
pub mod postgres;

pub use database::{Database, DatabaseError};
pub use login::{FindLogin, Login};
