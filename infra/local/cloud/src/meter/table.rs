//! A reading for people.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use local_aws::{Counts, Operations, Service};

use super::Reading;

impl Reading {
    /// The reading as text, the most expensive first. With the logical id of a function, the bill also says what a million of
    /// its invocations would cost, together with all that came with them.
    pub fn table(&self, per: Option<&str>) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text, per);
        text
    }

    fn write(&self, out: &mut String, per: Option<&str>) -> fmt::Result {
        writeln!(out, "{:.1} s", self.seconds)?;
        self.write_functions(out)?;
        self.write_drops(out)?;
        self.write_requests(out)?;
        if !self.websocket_apis.is_empty() || !self.http_apis.is_empty() {
            writeln!(out)?;
        }
        for (id, api) in &self.http_apis {
            writeln!(out, "{id}: {} requests", api.requests)?;
        }
        for (id, api) in &self.websocket_apis {
            let (frames_in, frames_out) = (api.frames_in, api.frames_out);
            let minutes = api.connection_minutes;
            writeln!(out, "{id}: {frames_in} messages in, {frames_out} out, {minutes:.1} connection minutes")?;
        }
        if !self.faults.is_empty() {
            let faults: Vec<_> = self.faults.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            writeln!(out, "\nfaults: {}", faults.join(", "))?;
        }
        self.write_bill(out, per)
    }

    fn write_functions(&self, out: &mut String) -> fmt::Result {
        let used = self.functions.iter().filter(|(_, function)| function.invocations + function.throttles > 0);
        let mut used: Vec<_> = used.collect();
        used.sort_by(|(_, one), (_, other)| other.gb_seconds.total_cmp(&one.gb_seconds));
        let width = width(used.iter().map(|(id, _)| id.as_str()), "function");
        writeln!(out, "\n{:width$} {:>35} {:>15} {:>23}", "", "", "init ms", "ms")?;
        writeln!(
            out,
            "{:width$} {:>11} {:>6} {:>9} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7} {:>10} {:>9} {:>8}",
            "function",
            "invocations",
            "errors",
            "throttles",
            "cold",
            "p50",
            "max",
            "p50",
            "p99",
            "max",
            "billed ms",
            "GB-s",
            "CPU ms"
        )?;
        for (id, function) in used {
            writeln!(
                out,
                "{id:width$} {:>11} {:>6} {:>9} {:>6} {:>7.1} {:>7.1} {:>7.1} {:>7.1} {:>7.1} {:>10.0} {:>9.4} {:>8.0}",
                function.invocations,
                function.errors,
                function.throttles,
                function.cold_starts,
                function.init_p50_ms,
                function.init_max_ms,
                function.duration_p50_ms,
                function.duration_p99_ms,
                function.duration_max_ms,
                function.billed_ms,
                function.gb_seconds,
                function.cpu_ms
            )?;
        }
        Ok(())
    }

    fn write_drops(&self, out: &mut String) -> fmt::Result {
        for (id, function) in &self.functions {
            for (count, what) in [
                (function.recursive_invocations_dropped, "recursive invocations dropped"),
                (function.async_events_dropped, "asynchronous events dropped"),
            ] {
                if count > 0 {
                    writeln!(out, "{id}: {count} {what}")?;
                }
            }
        }
        Ok(())
    }

    fn write_requests(&self, out: &mut String) -> fmt::Result {
        let functions = self.functions.iter().map(|(id, function)| (id.as_str(), &function.requests));
        let others = [("(outside)", &self.outside), ("(event sources)", &self.event_sources)];
        let mut rows: Vec<_> =
            functions.chain(others).flat_map(|(caller, operations)| rows(caller, operations)).collect();
        rows.sort_by_key(|(.., counts)| Reverse(counts.requests));
        let width = width(rows.iter().map(|(caller, ..)| *caller), "caller");
        writeln!(
            out,
            "\n{:width$} {:<46} {:>9} {:>7} {:>10} {:>11} {:>7}",
            "caller", "request", "requests", "errors", "read units", "write units", "units"
        )?;
        for (caller, request, counts) in rows {
            writeln!(
                out,
                "{caller:width$} {request:<46} {:>9} {:>7} {:>10.1} {:>11.1} {:>7}",
                counts.requests, counts.errors, counts.read_units, counts.write_units, counts.units
            )?;
        }
        Ok(())
    }

    fn write_bill(&self, out: &mut String, per: Option<&str>) -> fmt::Result {
        let invocations = per.and_then(|id| self.functions.get(id)).map_or(0, |function| function.invocations);
        #[expect(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
        let scale = (invocations > 0).then(|| 1e6 / invocations as f64);
        let (usd, width) =
            (self.bill.usd, width(self.bill.lines.iter().map(|line| line.resource.as_str()), "resource"));
        let decimals = decimals(usd);
        let extrapolated = |usd: f64| scale.map_or_else(String::new, |scale| format!(" {:>20.2}", usd * scale));
        let title = scale.map_or_else(String::new, |_| format!(" {:>20}", "USD per million"));
        writeln!(out, "\n{:width$} {:<29} {:>14} {:>12}{title}", "resource", "billed", "quantity", "USD")?;
        for line in &self.bill.lines {
            let (resource, item, price) = (&line.resource, line.item, line.usd);
            let quantity = quantity(line.quantity);
            writeln!(out, "{resource:width$} {item:<29} {quantity:>14} {price:>12.decimals$}{}", extrapolated(price))?;
        }
        writeln!(out, "{:width$} {:<29} {:>14} {usd:>12.decimals$}{}", "total", "", "", extrapolated(usd))?;
        match per {
            Some(function) if scale.is_some() => writeln!(
                out,
                "\nUSD per million: the price of a million invocations of {function}, with all that followed from them. It is the \
                 bill above,\ndivided by the {invocations} that there were; what else was done meanwhile is in it, too."
            ),
            Some(function) => {
                writeln!(out, "\n{function} was not invoked, so a million of its invocations have no price.")
            }
            None => Ok(()),
        }
    }
}

/// One row for each operation of a caller.
fn rows<'a>(caller: &'a str, operations: &'a Operations) -> impl Iterator<Item = (&'a str, String, &'a Counts)> {
    let of = move |(service, operations): (&Service, &'a BTreeMap<String, Counts>)| {
        let service = *service;
        operations.iter().map(move |(operation, counts)| (caller, format!("{service} {operation}"), counts))
    };
    operations.iter().flat_map(of)
}

/// Returns the decimals that show four digits of the total. Lines have as many: in a column the eye compares lengths.
fn decimals(total: f64) -> usize {
    (2..=12)
        .find(|decimals| total * 10_f64.powi(*decimals) >= 1000.0)
        .map_or(2, |decimals| decimals.unsigned_abs() as usize)
}

/// Counts are whole, times are not.
fn quantity(quantity: f64) -> String {
    if quantity.fract() == 0.0 { format!("{quantity:.0}") } else { format!("{quantity:.2}") }
}

fn width<'a>(names: impl Iterator<Item = &'a str>, title: &str) -> usize {
    names.map(str::len).chain([title.len()]).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_has_four_digits() {
        let shown = |total: f64| format!("{total:.*}", decimals(total));
        for (total, expected) in [
            (0.0, "0.00"),
            (0.000_000_625, "0.0000006250"),
            (0.000_012_344, "0.00001234"),
            (0.012_345, "0.01235"),
            (1.234_4, "1.234"),
            (98_765.432, "98765.43"),
        ] {
            assert_eq!(shown(total), expected);
        }
        assert_eq!((quantity(3.0), quantity(0.125)), ("3".to_owned(), "0.12".to_owned()));
    }
}
