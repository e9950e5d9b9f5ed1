//! Imports: what becomes of a file, of a wrong one, and of workers that crash.

mod archived;
mod converted;
mod crashes;
mod erased;
mod identity;
mod large;
mod refused;
mod round_trip;
mod setup;
mod together;
mod worker;
