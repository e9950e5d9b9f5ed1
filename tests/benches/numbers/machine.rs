//! The machine that the numbers are from.

use std::fmt;

/// The machine, and what else it did when the bench began.
pub(crate) struct Machine {
    cores: usize,
    model: String,
    load: String,
}

impl Machine {
    pub(crate) fn inspect() -> Self {
        // Without them the numbers are still numbers.
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let model = model.map_or("unknown processor", |(_, model)| model).to_owned();
        let load = read("/proc/loadavg").split(' ').take(1).collect();
        Self { cores: std::thread::available_parallelism().map_or(0, usize::from), model, load }
    }

    /// Returns the load average over the last minute.
    pub(crate) fn load(&self) -> &str {
        &self.load
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, model, load } = self;
        write!(f, "{cores} cores ({model}), load average {load} at the start; clients run on the same cores")
    }
}
