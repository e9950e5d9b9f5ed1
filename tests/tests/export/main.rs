//! Exports: what is in them, who gets them, and what becomes of them when workers crash.

mod contents;
mod crashes;
mod large;
mod requests;
mod setup;
mod worker;
