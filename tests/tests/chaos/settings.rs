//! The settings of a run, from the environment.

use std::time::Duration;

use rand::RngExt;

/// The amount of faults and traffic of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// The choices of the run follow from it.
    pub(crate) seed: u64,
    pub(crate) users: usize,
    pub(crate) end: End,
    /// Longest pause between two texts of a user in a conversation.
    pub(crate) pause: Duration,
    /// Number of texts of a user in a conversation that wait for their answers at the same time.
    pub(crate) outstanding: usize,
    /// True if messages move to the archive and expire during the run, and users are erased.
    pub(crate) ages: bool,
    /// Number of users who are erased.
    pub(crate) erased: usize,
    pub(crate) pace: Pace,
}

/// The end of sending.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// After so many texts of each user in each private conversation and group.
    Texts(u64),
    /// Once it has sent for this time.
    Time(Duration),
}

/// Short runs have a fault in most requests, long ones some faults a second: what follows a fault needs longer than the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Probability of an operation after a text.
    pub(crate) operation: f64,
    /// Factor of the probability that a request kills the process.
    pub(crate) kills: f64,
    /// Factor of the probability of the other faults.
    pub(crate) faults: f64,
    /// Time limit of an answer.
    pub(crate) answer: Duration,
    /// Between two frames of receipts of a client.
    pub(crate) receipts: Duration,
    /// Between two whole syncs of a client.
    pub(crate) sync_every: Duration,
    /// Ages at which messages move to the archive and expire, as parameters: parts of a day, which only a local cloud takes.
    pub(crate) ages: [&'static str; 2],
    /// Parameter for the time after which an erasure looks again: longer than what workers that had read before still write.
    pub(crate) erasure_grace: &'static str,
}

const SHORT: Pace = Pace {
    operation: 1.0,
    kills: 1.0,
    faults: 1.0,
    answer: Duration::from_secs(4),
    receipts: Duration::from_millis(300),
    sync_every: Duration::from_secs(3),
    // Four seconds.
    ages: ["ArchiveAfter=0", "RetentionDays=0.00005"],
    erasure_grace: "ErasureGrace=5",
};

const LONG: Pace = Pace {
    operation: 0.05,
    kills: 0.01,
    faults: 0.1,
    answer: Duration::from_secs(10),
    receipts: Duration::from_secs(3),
    sync_every: Duration::from_secs(20),
    // Twenty seconds, and two minutes.
    ages: ["ArchiveAfter=0.00023", "RetentionDays=0.0014"],
    erasure_grace: "ErasureGrace=60",
};

impl Settings {
    /// Reads the settings of one run. Without a duration, so many texts are sent unless the environment says otherwise.
    pub(crate) fn read(texts: u64, ages: bool) -> Self {
        let seed = number("CHAOS_SEED").unwrap_or_else(|| rand::rng().random());
        let minutes: Option<f64> = number("CHAOS_MINUTES");
        let (pace, users, pause, outstanding) = if minutes.is_some() { (LONG, 8, 0, 50) } else { (SHORT, 4, 300, 4) };
        let erased = match (ages, minutes) {
            (false, _) => 0,
            (true, None) => 1,
            (true, Some(_)) => 4,
        };
        Self {
            seed,
            users: number("CHAOS_PEOPLE").unwrap_or(users),
            end: match minutes {
                Some(minutes) => End::Time(Duration::from_secs_f64(minutes * 60.0)),
                None => End::Texts(number("CHAOS_MESSAGES").unwrap_or(texts)),
            },
            pause: Duration::from_millis(number("CHAOS_PAUSE").unwrap_or(pause)),
            outstanding: number("CHAOS_OUTSTANDING").unwrap_or(outstanding),
            ages,
            erased,
            pace,
        }
    }

    pub(crate) fn is_long(&self) -> bool {
        matches!(self.end, End::Time(_))
    }

    /// Returns whether the cloud has an archive: a short run that ages its messages starts it without one.
    pub(crate) fn archives(&self) -> bool {
        !self.ages || self.is_long()
    }

    /// The variables that repeat the run.
    pub(crate) fn variables(&self) -> String {
        let Self { seed, users, end, pause, outstanding, .. } = self;
        let end = match end {
            End::Texts(texts) => format!("CHAOS_MESSAGES={texts}"),
            End::Time(time) => format!("CHAOS_MINUTES={}", time.as_secs_f64() / 60.0),
        };
        let pause = pause.as_millis();
        format!("CHAOS_SEED={seed} CHAOS_PEOPLE={users} {end} CHAOS_PAUSE={pause} CHAOS_OUTSTANDING={outstanding}")
    }
}

/// Returns the number of runs with random seeds.
pub(crate) fn runs() -> u32 {
    number("CHAOS_SEEDS").unwrap_or(1)
}

fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is not a number: {value}")))
}
