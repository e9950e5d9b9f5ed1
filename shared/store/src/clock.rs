//! Waiting and measuring: by the machine's clock, or by that of a simulation.
//!
//! A simulation runs the code of many invocations on one thread, in a time of its own. It sets the clock of its thread here, and
//! the one of [`domain::Timestamp`]. Code that is simulated (the log, its members and receipts) waits and measures by nothing else.

use std::cell::Cell;
use std::time::{Duration, Instant};

use domain::Timestamp;
use futures_util::future::{BoxFuture, Either, select};

/// The clock of a simulation.
#[derive(Clone, Copy, Debug)]
pub struct SimulatedTime {
    /// Returns the time since the simulation began.
    pub now: fn() -> Duration,
    /// Waits in the time of the simulation.
    pub sleep: fn(Duration) -> BoxFuture<'static, ()>,
}

thread_local! {
    static SIMULATED: Cell<Option<SimulatedTime>> = const { Cell::new(None) };
}

/// Sets the clock of this thread, for simulations; `None` sets it back to the machine's.
pub fn simulate(time: Option<SimulatedTime>) {
    SIMULATED.set(time);
}

/// Waits, in the simulation without the machine's time.
pub async fn sleep(duration: Duration) {
    match SIMULATED.get() {
        Some(simulated) => (simulated.sleep)(duration).await,
        None => tokio::time::sleep(duration).await,
    }
}

/// The time was over before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time is over")]
pub struct Elapsed;

/// Does the work, for at most this long.
pub async fn timeout<F: Future>(duration: Duration, work: F) -> Result<F::Output, Elapsed> {
    let Some(simulated) = SIMULATED.get() else {
        return tokio::time::timeout(duration, work).await.map_err(|_| Elapsed);
    };
    match select(std::pin::pin!(work), (simulated.sleep)(duration)).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right(((), _)) => Err(Elapsed),
    }
}

/// A moment, from which time is measured.
#[derive(Clone, Copy, Debug)]
pub enum Stopwatch {
    Machine(Instant),
    Simulated(SimulatedTime, Duration),
}

impl Stopwatch {
    pub fn start() -> Self {
        SIMULATED.get().map_or_else(|| Self::Machine(Instant::now()), |time| Self::Simulated(time, (time.now)()))
    }

    /// Returns the time since the start.
    pub fn elapsed(&self) -> Duration {
        match self {
            Self::Machine(start) => start.elapsed(),
            Self::Simulated(time, start) => (time.now)().saturating_sub(*start),
        }
    }
}

/// A moment, whose age includes the time for which the process was frozen: the machine's monotonic clock may stand still then, and
/// the time of day is right afterwards.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    stopwatch: Stopwatch,
    time: Timestamp,
}

impl Moment {
    /// Returns the present moment.
    pub fn now() -> Self {
        Self { stopwatch: Stopwatch::start(), time: Timestamp::now() }
    }

    /// Returns a moment that another machine measured. Its age depends on the difference between the clocks, and is never below the
    /// time since this call.
    pub fn at(time: Timestamp) -> Self {
        Self { stopwatch: Stopwatch::start(), time }
    }

    /// Returns the time of day.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Returns the longer one of the times that the two clocks have measured since.
    pub fn age(&self) -> Duration {
        self.stopwatch.elapsed().max(Timestamp::now().since(self.time))
    }
}
