//! A load, and its cost.

use std::time::Duration;

use end_to_end::Cloud;

use super::Failure;
use super::cpu::Cpu;
use super::load::{LoadResult, Pace, Participants};
use super::meter::Reading;

/// The result and cost of a load after the warm-up.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) load: LoadResult,
    pub(crate) cpu: Cpu,
    pub(crate) reading: Reading,
}

/// Durations of the warm-up and of the measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

/// Applies the load twice, and measures the second time.
pub(crate) async fn measure(
    cloud: &Cloud,
    participants: &mut Participants,
    pace: Pace,
    length: Length,
) -> Result<Measured, Failure> {
    participants.run(pace, length.warm_up).await?;
    Reading::reset(cloud).await;
    let before = Cpu::of(cloud.pid())?;
    let load = participants.run(pace, length.measured).await?;
    let (cpu, reading) = (Cpu::of(cloud.pid())? - before, Reading::take(cloud).await);
    if !load.refused.is_empty() {
        eprintln!("refused: {:?}", load.refused);
    }
    Ok(Measured { load, cpu, reading })
}

impl Measured {
    /// A total by the message.
    pub(crate) fn each(&self, total: f64) -> f64 {
        total / self.load.accepted.max(1) as f64
    }

    /// Processor seconds of the server for a thousand messages.
    pub(crate) fn cpu_per_1000(&self) -> f64 {
        self.each(self.cpu.seconds()) * 1e3
    }

    /// The same by what used it.
    pub(crate) fn cpu_parts(&self) -> String {
        let parts = [self.cpu.cloud, self.cpu.functions, self.cpu.postgres];
        parts.map(|part| format!("{:.2}", self.each(part.as_secs_f64()) * 1e3)).join(" / ")
    }
}
