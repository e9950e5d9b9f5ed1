//! Lambda's contract, with a real function process: `examples/echo.rs`.

mod bench;
#[path = "../echo/mod.rs"]
mod echo;
mod failures;
mod invocations;
mod life;
mod reload;
mod sandbox;
