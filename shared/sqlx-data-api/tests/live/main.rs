//! The driver on a real PostgreSQL, through the local cloud's Data API.

mod arrays;
#[cfg(feature = "chrono")]
mod chrono;
mod database;
#[cfg(feature = "rust_decimal")]
mod decimal;
mod errors;
mod migrations;
mod queries;
mod requests;
mod round_trips;
mod scanner;
mod text;
mod tour;
mod transactions;
mod types;
mod writes;
