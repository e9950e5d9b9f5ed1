//! Processor time of the cloud and of all that it has started, as Linux's `/proc` has it.

use std::io;
use std::ops::Sub;
use std::time::Duration;

/// The unit of `/proc`: 10 ms.
const TICK: Duration = Duration::from_millis(10);

/// Processor time by what used it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    /// The local cloud: API Gateway, Lambda, DynamoDB, SQS.
    pub(crate) cloud: Duration,
    pub(crate) functions: Duration,
    pub(crate) postgres: Duration,
}

impl Cpu {
    /// Of the cloud with this process id and its children, since they started.
    pub(crate) fn of(cloud: u32) -> io::Result<Self> {
        let mut processes = Vec::new();
        for entry in std::fs::read_dir("/proc")? {
            // Entries that are not processes have no such file, and a process that has ended has none any more: its parent has
            // its time then.
            let Ok(stat) = std::fs::read_to_string(entry?.path().join("stat")) else { continue };
            processes.extend(Process::read(&stat));
        }
        let (mut cpu, mut family) = (Self::default(), vec![cloud]);
        while let Some(id) = family.pop() {
            family.extend(processes.iter().filter(|process| process.parent == id).map(|process| process.id));
            let Some(process) = processes.iter().find(|process| process.id == id) else { continue };
            if id == cloud {
                // The children of the cloud that have ended are functions.
                cpu.cloud += process.own;
                cpu.functions += process.ended;
            } else if process.name == "postgres" {
                cpu.postgres += process.own + process.ended;
            } else {
                cpu.functions += process.own + process.ended;
            }
        }
        Ok(cpu)
    }

    /// All of it, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        (self.cloud + self.functions + self.postgres).as_secs_f64()
    }
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            cloud: self.cloud.saturating_sub(earlier.cloud),
            functions: self.functions.saturating_sub(earlier.functions),
            postgres: self.postgres.saturating_sub(earlier.postgres),
        }
    }
}

struct Process {
    id: u32,
    parent: u32,
    name: String,
    own: Duration,
    /// Of children that have ended.
    ended: Duration,
}

impl Process {
    /// From `/proc/<id>/stat`; `None` where that has another form.
    fn read(stat: &str) -> Option<Self> {
        let (id, rest) = stat.split_once(" (")?;
        // The name may hold anything but this.
        let (name, fields) = rest.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let ticks = |first: usize| {
            let times = fields.get(first..first + 2)?.iter().map(|ticks| ticks.parse::<u32>().ok());
            Some(TICK * times.sum::<Option<u32>>()?)
        };
        let (parent, own, ended) = (fields.get(1)?.parse().ok()?, ticks(11)?, ticks(13)?);
        Some(Self { id: id.parse().ok()?, parent, name: name.to_owned(), own, ended })
    }
}
