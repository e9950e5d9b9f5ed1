//! Search for messages: what is found in every language, in pages and by filters, and what nobody may find.

mod allowed;
mod filling;
mod finding;
mod languages;
mod leaks;
mod many;
mod room;
mod stale;
