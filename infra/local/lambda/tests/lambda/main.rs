//! Lambda's contract, with a real function process (the function `Echo`); builds with the real cargo; the Invoke API.

mod bench;
mod build;
mod concurrency;
mod failures;
mod freezing;
mod invocations;
mod invoke_api;
mod life;
mod recursion;
mod reload;
mod sandbox;
