//! Event source mappings with real queues, tables and function processes.

mod queues;
mod schedules;
mod streams;
