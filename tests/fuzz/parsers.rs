//! Fuzzes the parsers, guided by coverage.

#![no_main]

mod properties;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| properties::check(data));
