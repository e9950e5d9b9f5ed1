//! The servers that people would otherwise run, beside this one.

use super::Failure;
use super::capacity::Capacity;
use super::delivery::Latencies;
use super::report::Report;
use super::table::Table;

/// Measured earlier on a machine of the same kind (two shared cores), with persistence on, and the same load unless noted:
/// each is one server process with its database, while every hop of ours goes through Lambda's process boundary.
const PEERS: [[&str; 5]; 3] = [
    ["ejabberd", "3.0 / 8.2", "10 / 18", "976", "1.6"],
    ["Prosody", "2.5 / 11.6", "77 / 106", "339", "2.5"],
    ["Synapse", "425 / 921 (at 10/s)", "1275 / 1738 (at 0.5/s)", "31", "48"],
];

/// Compares these figures with those of other servers.
pub(crate) fn compare(
    latencies: Option<Latencies>,
    capacity: Option<Capacity>,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut table = Table::new(&[
        "beside others",
        "1:1 at 50/s, p50 / p99 ms",
        "room of 100 at 5/s, p50 / p99 ms",
        "most messages/s",
        "CPU s per 1,000",
    ]);
    let nothing = || "-".to_owned();
    let (pairs, room) = latencies.map_or_else(|| (nothing(), nothing()), |found| (found.pairs, found.group_of_100));
    let (rate, cpu) = capacity.map_or_else(
        || (nothing(), nothing()),
        |Capacity { rate, cpu_per_1000 }| (format!("{rate:.0}"), format!("{cpu_per_1000:.1}")),
    );
    table.row(["Palaver, with its cloud".to_owned(), pairs, room, rate, cpu]);
    for peer in PEERS {
        table.row(peer.map(str::to_owned));
    }
    report.table("peers", &table)?;
    report.add_text(
        "The others were measured earlier, on two shared cores, with persistence on. Palaver's cloud keeps its data in memory \
         here, and plays all of AWS: each message is a process's invocation and five requests over sockets.",
    )
}
