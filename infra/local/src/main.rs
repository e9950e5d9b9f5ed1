//! `local-cloud`: see the library.

fn main() {}
