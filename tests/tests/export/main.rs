//! Exports: what is in them, who gets them, and what becomes of them when workers crash.

mod contents;
mod requests;
mod setup;
