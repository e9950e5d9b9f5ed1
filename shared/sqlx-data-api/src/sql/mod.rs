//! SQL text: positions of the placeholders (`$1`), and ends of statements.

mod command;
#[cfg(test)]
mod models;
mod placeholders;
mod scan;
mod split;

pub(crate) use command::Command;
pub(crate) use placeholders::Template;
pub(crate) use split::split;
