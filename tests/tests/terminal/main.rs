//! The chat for the terminal, as its own process: by pipes, as a script drives it, and on a pseudo-terminal, as a person does.

mod conversation;
mod line_editor;
mod process;
mod refused;
