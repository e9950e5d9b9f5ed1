//! The gate over real sockets, with the AWS SDK: what a client sees of each fault, and what the meter counts.

mod access;
mod collection;
mod connections;
mod durability;
mod faults;
mod harness;
mod kill;
mod meter;
mod stale;
