//! Capacity: the largest rate of messages.

use end_to_end::Cloud;

use super::Failure;
use super::delivery::PAIRS;
use super::load::Pace;
use super::measure::{Length, measure};
use super::participants::pairs;
use super::report::Report;
use super::table::Table;

/// Messages of one sender that wait for their answers.
const OUTSTANDING: usize = 8;

/// The figures that are compared with other servers.
pub(crate) struct Capacity {
    pub(crate) rate: f64,
    pub(crate) cpu_per_1000: f64,
}

pub(crate) async fn run(cloud: &Cloud, length: Length, report: &mut Report) -> Result<Capacity, Failure> {
    let mut participants = pairs(cloud, PAIRS).await?;
    let measured = measure(cloud, &mut participants, Pace::Unanswered(OUTSTANDING), length).await?;
    let load = &measured.load;
    let mut table = Table::new(&[
        "capacity",
        "messages/s",
        "delivered p50 / p99 / max ms",
        "CPU s per 1,000",
        "cloud / functions / PostgreSQL",
        "refused",
        "not received",
    ]);
    table.row([
        format!("{PAIRS} pairs, {OUTSTANDING} outstanding each"),
        format!("{:.0}", load.rate()),
        load.deliveries.p50_p99_max(),
        format!("{:.2}", measured.cpu_per_1000()),
        measured.cpu_parts(),
        load.refused.values().sum::<usize>().to_string(),
        load.missing.to_string(),
    ]);
    report.table("capacity", &table)?;
    Ok(Capacity { rate: load.rate(), cpu_per_1000: measured.cpu_per_1000() })
}
