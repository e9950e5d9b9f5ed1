//! Lambda's contract, with a real function process: the function `Echo`.

mod bench;
mod failures;
mod invocations;
mod life;
mod reload;
mod sandbox;
