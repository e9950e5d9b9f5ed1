//! Has the program linked to a fixed address, where the toolchain is known to do that.
//!
//! A process would otherwise begin with the relocation of 370,000 addresses, which takes milliseconds and three megabytes that it
//! shares with no other process.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |variable, value| env::var(variable).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
