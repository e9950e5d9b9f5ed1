//! The same load in every mode: tables in memory and on disk, one invocation at a time in a process and several, single
//! messages and batches.

use end_to_end::Cloud;
use end_to_end::cloud::Setup;

use super::delivery::PAIRS;
use super::load::Pace;
use super::measure::{Length, Measured, measure};
use super::participants::pairs;
use super::report::Report;
use super::table::Table;
use super::{Failure, PROFILE, UNLIMITED, disk};

/// What the senders of the pairs do.
const LOADS: [(&str, Pace); 3] = [
    ("50/s", Pace::PerSecond(50.0)),
    ("a frame after the other", Pace::Unanswered(1)),
    ("the same with 8 messages", Pace::Batches(8)),
];

/// The figures of a load that those of other modes are compared with.
struct Figures {
    rate: f64,
    p50_ms: f64,
    cpu: f64,
}

impl Figures {
    fn of(measured: &Measured) -> Self {
        let load = &measured.load;
        let p50_ms = load.deliveries.at(50.0).as_secs_f64() * 1e3;
        Self { rate: load.rate(), p50_ms, cpu: measured.cpu_per_1000() }
    }
}

/// Starts a cloud for each mode, one after the other.
pub(crate) async fn run(concurrency: u32, length: Length, report: &mut Report) -> Result<(), Failure> {
    let mut table = Table::new(&[
        "tables, invocations in a process, senders",
        "messages/s",
        "to the first",
        "delivered p50 / p99 ms",
        "p50 to the first",
        "CPU s per 1,000",
        "to the first",
        "cloud / functions",
        "requests",
        "read units",
        "write units",
        "not received",
    ]);
    let mut first = Vec::new();
    for (tables, is_on_disk) in [("memory", false), ("disk", true)] {
        for concurrency in [None, Some(concurrency)] {
            let folder = disk::folder()?;
            let data = is_on_disk.then(|| folder.path());
            let setup = Setup { profile: Some(PROFILE), data, arguments: &UNLIMITED, concurrency, ..Setup::default() };
            let cloud = Cloud::with(setup);
            for (number, (senders, pace)) in LOADS.into_iter().enumerate() {
                let mut participants = pairs(&cloud, PAIRS).await?;
                let measured = measure(&cloud, &mut participants, pace, length).await?;
                if first.len() == number {
                    first.push(Figures::of(&measured));
                }
                let invocations = concurrency.map_or_else(|| "one".to_owned(), |most| format!("up to {most}"));
                table.row(row(format!("{tables}, {invocations}, {senders}"), &measured, &first[number]));
            }
            cloud.stop();
        }
    }
    report.table("modes", &table)?;
    report.add_text(&format!(
        "{PAIRS} pairs, of which one side sends. \"To the first\" is the ratio to the same senders with tables in memory and one \
         invocation at a time. Requests and units are per message."
    ))
}

fn row(name: String, measured: &Measured, first: &Figures) -> [String; 12] {
    let load = &measured.load;
    let Figures { rate, p50_ms, cpu } = Figures::of(measured);
    let (read, write) = measured.reading.units();
    let requests = measured.reading.requests().into_values().sum();
    let each = |total| format!("{:.2}", measured.each(total));
    let parts = [measured.cpu.cloud, measured.cpu.functions];
    let parts = parts.map(|part| format!("{:.2}", measured.each(part.as_secs_f64()) * 1e3));
    [
        name,
        format!("{rate:.0}"),
        format!("{:.2}", rate / first.rate),
        load.deliveries.p50_p99(),
        format!("{:.2}", p50_ms / first.p50_ms),
        format!("{cpu:.2}"),
        format!("{:.2}", cpu / first.cpu),
        parts.join(" / "),
        each(requests),
        each(read),
        each(write),
        load.missing.to_string(),
    ]
}
