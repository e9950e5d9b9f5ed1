//! Resources of a process, by Linux's `/proc`.

use std::io;
use std::ops::Sub;
use std::time::Duration;

/// The unit of processor time in `/proc`: 10 ms.
const TICK: Duration = Duration::from_millis(10);

/// Memory and processor time of one process, without its children.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) memory: u64,
    /// Of all threads since its start.
    pub(crate) cpu: Duration,
}

impl Usage {
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let malformed = || io::Error::other("/proc has another form");
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}"));
        let status = read("status")?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or_else(malformed)?;
        let memory: u64 = memory.trim().trim_end_matches(" kB").parse().map_err(|_| malformed())?;
        let stat = read("stat")?;
        // The name before them may hold anything but this.
        let (_, fields) = stat.rsplit_once(") ").ok_or_else(malformed)?;
        let times = fields.split(' ').skip(11).take(2).map(str::parse::<u32>);
        let ticks = times.sum::<Result<u32, _>>().map_err(|_| malformed())?;
        Ok(Self { memory: memory * 1024, cpu: TICK * ticks })
    }
}

impl Sub for Usage {
    type Output = Duration;

    /// The processor time between two moments.
    fn sub(self, earlier: Self) -> Duration {
        self.cpu.saturating_sub(earlier.cpu)
    }
}
