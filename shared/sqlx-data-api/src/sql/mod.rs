//! What the driver has to know about SQL text: where `$1` is a placeholder, and where a statement ends.

#[cfg(test)]
mod models;
mod placeholders;
mod scan;
mod split;

pub(crate) use placeholders::Template;
pub(crate) use split::split;
