//! Latency and cost of a message at a moderate rate.

use end_to_end::Cloud;

use super::Failure;
use super::load::{Pace, Participants};
use super::measure::{Length, Measured, measure};
use super::participants::{Group, pairs};
use super::plot::Plot;
use super::report::Report;
use super::table::Table;

/// Private conversations at once.
pub(crate) const PAIRS: usize = 20;
/// Messages a second, all pairs together.
const OF_PAIRS: f64 = 50.0;
/// Messages a second in a group.
const IN_GROUP: f64 = 5.0;
/// Members of a group who take turns.
const SENDERS: usize = 5;

/// Groups by members, and how many of these are connected.
const GROUPS: [(usize, usize); 3] = [(10, 10), (100, 100), (1000, 300)];

/// The figures that are compared with other servers.
pub(crate) struct Latencies {
    pub(crate) pairs: String,
    pub(crate) group_of_100: String,
}

struct Rows {
    times: Table,
    costs: Table,
    curves: Vec<(String, Vec<(f64, f64)>)>,
}

/// All sizes; where it has to be quick, not the largest.
pub(crate) async fn run(cloud: &Cloud, length: Length, quick: bool, report: &mut Report) -> Result<Latencies, Failure> {
    let mut rows = Rows {
        times: Table::new(&[
            "delivery",
            "messages/s",
            "delivered p50 / p99 / max ms",
            "reply p50 / p99 ms",
            "CPU s per 1,000",
            "cloud / functions / PostgreSQL",
            "not received",
        ]),
        costs: Table::new(&["a message asks for", "read units", "write units", "USD per million", "requests"]),
        curves: Vec::new(),
    };
    let name = format!("1:1, {PAIRS} pairs");
    let private = rows.add(&name, cloud, pairs(cloud, PAIRS).await?, Pace::PerSecond(OF_PAIRS), length).await?;
    let mut latencies = Latencies { pairs: private.load.deliveries.p50_p99(), group_of_100: String::new() };
    for (members, connected) in GROUPS {
        if quick && members > 100 {
            continue;
        }
        let name = match members {
            _ if connected < members => format!("group of {members}, {connected} connected"),
            _ => format!("group of {members}, all connected"),
        };
        let participants = Group::new(cloud, members, connected).await?.connect(cloud, SENDERS).await?;
        let measured = rows.add(&name, cloud, participants, Pace::PerSecond(IN_GROUP), length).await?;
        if members == 100 {
            latencies.group_of_100 = measured.load.deliveries.p50_p99();
        }
    }
    report.table("delivery", &rows.times)?;
    report.table("costs", &rows.costs)?;
    // Fan-out gathers the messages of a second: on one axis with it, the others would be one line.
    rows.curves.truncate(3);
    report.plot(
        "delivery",
        &Plot {
            title: "Delivered within",
            x: "per cent of deliveries",
            y: "ms",
            logarithmic: false,
            lines: rows.curves,
        },
    )?;
    Ok(latencies)
}

impl Rows {
    async fn add(
        &mut self,
        name: &str,
        cloud: &Cloud,
        mut participants: Participants,
        pace: Pace,
        length: Length,
    ) -> Result<Measured, Failure> {
        let measured = measure(cloud, &mut participants, pace, length).await?;
        let load = &measured.load;
        self.times.row([
            name.to_owned(),
            format!("{:.1}", load.rate()),
            load.deliveries.p50_p99_max(),
            load.replies.p50_p99(),
            format!("{:.2}", measured.cpu_per_1000()),
            measured.cpu_parts(),
            load.missing.to_string(),
        ]);
        let (read, write) = measured.reading.units();
        let requests = measured.reading.requests().into_iter().map(|(kind, count)| (kind, measured.each(count)));
        let requests = requests.filter(|(_, count)| *count >= 0.01).map(|(kind, count)| format!("{count:.2} {kind}"));
        self.costs.row([
            name.to_owned(),
            format!("{:.2}", measured.each(read)),
            format!("{:.2}", measured.each(write)),
            format!("{:.2}", measured.each(measured.reading.usd()) * 1e6),
            requests.collect::<Vec<_>>().join(", "),
        ]);
        self.curves.push((name.to_owned(), load.deliveries.curve()));
        Ok(measured)
    }
}
