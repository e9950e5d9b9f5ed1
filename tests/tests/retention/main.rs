//! Retention, end to end: what is older than it is kept becomes invisible on every path, and is then deleted from every store.
//!
//! Items become old by a change of their times in the table.

mod archived;
mod expiring;
mod holds;
mod room;
mod settings;
