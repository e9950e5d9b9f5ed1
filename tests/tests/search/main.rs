//! Search for messages: what is found in every language, in pages and by filters, and what nobody may find.

mod failures;
mod filling;
mod finding;
mod languages;
mod leaks;
mod many;
mod new_index;
mod room;
mod stale;
