//! The driver on a real PostgreSQL, through the local cloud's Data API.

mod database;
mod errors;
mod migrations;
mod queries;
mod requests;
mod transactions;
mod types;
