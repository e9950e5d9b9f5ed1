//! A run, as its seed decides it before it begins.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::network::FaultPlan;
use crate::shared::SharedFaults;

/// Everything that a run is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Number of users; the first two are members from the beginning on.
    pub(crate) users: usize,
    /// Number of devices. The users take turns to have them.
    pub(crate) devices: usize,
    /// Number of processes that messages are sent by. Each remembers the log as it last saw it.
    pub(crate) processes: usize,
    /// Longest time between two steps of a device, in milliseconds.
    pub(crate) pause: u64,
    /// By how much clocks differ at most, in milliseconds.
    pub(crate) skew: u64,
    pub(crate) faults: FaultPlan,
    /// The cache that the processes share, if they do.
    pub(crate) shared: Option<SharedFaults>,
    /// True for a public conversation, which most users join and leave without an item.
    pub(crate) public: bool,
    /// In the order in which each device, or the one who changes members, takes its own.
    pub(crate) steps: Vec<Step>,
}

/// Something that a run does. Its own seed decides how, so that a run without the others still does it in this way.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) seed: u64,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A device sends a message until it is answered.
    Send { device: usize },
    /// A device edits a message, or reacts to one, until it is answered.
    Amend { device: usize },
    /// A device acknowledges a message.
    Acknowledge { device: usize },
    /// A device reads what follows its cursor.
    Sync { device: usize },
    /// A user becomes a member, or no longer is one.
    Change { user: usize },
}

impl Plan {
    /// Draws the run of this seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let users = rng.random_range(2..=4);
        let devices = rng.random_range(2..=6);
        let processes = rng.random_range(1..=3);
        let (messages, changes) = (rng.random_range(3..=12), rng.random_range(0..=8));
        let mut steps = Vec::new();
        // Each run has its own mixture: some have nothing but messages, others mostly one other kind.
        let (others, usual) = (rng.random_range(0..=3), rng.random_range(0..3));
        for _ in 0..messages {
            let device = rng.random_range(0..devices);
            steps.push(Step { seed: rng.random(), kind: Kind::Send { device } });
            for _ in 0..others {
                let device = rng.random_range(0..devices);
                let chosen = if rng.random_bool(0.7) { usual } else { rng.random_range(0..3) };
                let kind = match chosen {
                    0 => Kind::Amend { device },
                    1 => Kind::Acknowledge { device },
                    _ => Kind::Sync { device },
                };
                steps.push(Step { seed: rng.random(), kind });
            }
        }
        for _ in 0..changes {
            // The first user stays, so that there is always a writer.
            let kind = Kind::Change { user: rng.random_range(1..users) };
            steps.push(Step { seed: rng.random(), kind });
        }
        let pause = rng.random_range(1..=200);
        let skew = if rng.random_bool(0.5) { 0 } else { rng.random_range(1..=500) };
        let faults = FaultPlan::draw(&mut rng);
        let shared = rng.random_bool(0.5).then(|| SharedFaults::draw(&mut rng));
        let public = rng.random_bool(0.3);
        // By a clock that runs after, an attempt would seem to begin after its sender has joined.
        let skew = if public { 0 } else { skew };
        Self { seed, users, devices, processes, pause, skew, faults, shared, public, steps }
    }

    /// Returns the steps of one device.
    pub(crate) fn of_device(&self, number: usize) -> Vec<Step> {
        self.steps.iter().filter(|step| step.kind.device() == Some(number)).cloned().collect()
    }

    /// Returns the changes of members: the users, with the seeds of the steps.
    pub(crate) fn changes(&self) -> Vec<(usize, u64)> {
        let change = |step: &Step| match step.kind {
            Kind::Change { user } => Some((user, step.seed)),
            _ => None,
        };
        self.steps.iter().filter_map(change).collect()
    }
}

impl Kind {
    /// Returns the device that takes the step.
    const fn device(self) -> Option<usize> {
        match self {
            Self::Send { device } | Self::Amend { device } | Self::Acknowledge { device } | Self::Sync { device } => {
                Some(device)
            }
            Self::Change { .. } => None,
        }
    }
}
