//! What a function did since the start.

use std::time::Duration;

/// Counts and sums of one function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Invocations that ran, well or not.
    pub invocations: u64,
    /// Of these, the ones that ended with a function error.
    pub errors: u64,
    /// Invocations refused for lack of reserved concurrency.
    pub throttles: u64,
    /// Instances started.
    pub cold_starts: u64,
    /// Sum of the init phases that succeeded.
    pub init: Duration,
    /// Sum of the durations of the invocations, without init phases.
    pub duration: Duration,
    /// Sum of what AWS bills: init phase and duration of each invocation, rounded up to a millisecond.
    pub billed: Duration,
    /// Processor time of the processes, as far as it was seen at the end of an invocation. Zero where the system has no
    /// `/proc`.
    pub cpu: Duration,
}
