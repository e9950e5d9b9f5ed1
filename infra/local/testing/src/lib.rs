//! Parts that the tests of the local cloud share.
//!
//! * [`echo`]: a function whose behaviour its event decides, and whose process the tests start.
//! * [`function`]: a function as a template describes it.
//! * [`recorded`]: events that AWS sent, to compare with.
//! * [`sdk`]: the configuration of AWS's own clients, and signed requests without them.

#![warn(missing_docs)]

mod echo;
mod function;
pub mod recorded;
mod sdk;

pub use echo::echo;
pub use function::function;
pub use sdk::{sdk, sdk_as, sdk_without_retries, signed};
